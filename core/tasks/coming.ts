/** Whether somebody who comes may be a task of a run now. */
import type { Config } from '../access/config.ts';
import { isDisabled, isForeign } from '../access/decide.ts';
import { asCustodyError, CustodyError } from '../errors.ts';
import type { Principal } from '../identity/principal.ts';
import { protocolOf } from '../protocols/protocols.ts';
import { mayRun } from './may-run.ts';
import { isNamed, type NamedByClient, namedByToken } from './names.ts';
import type { Run } from './run.ts';
import { refusalOf } from './run-start-task.ts';
import type { Runs } from './store.ts';
import type { Task, Workflow } from './workflows.ts';

export interface ComingQuestion {
  readonly policy: Config;
  readonly principal: Principal;
  /** What the client names. */
  readonly named?: NamedByClient | undefined;
  readonly target: string;
  /** The login that it asks for. */
  readonly login?: string | undefined;
  readonly now: Date;
}

/** What a session is that may be this task now. */
export interface TaskTerms {
  readonly run: Run;
  readonly workflow: Workflow;
  readonly task: Task;
}

/**
 * The task that the client or its token names, looked at whole: run, workflow, person, target, what has to come before, executions and
 * times. Undefined where neither names one. Rejects with `task-refused`, and where runs cannot be reached. What somebody may not know
 * reads as a run that does not exist.
 */
export async function comingTask(
  question: ComingQuestion,
  runs: Pick<Runs, 'get'>,
): Promise<TaskTerms | undefined> {
  const { policy, principal, now } = question;
  const named = namedTask(question);
  if (named === undefined) return undefined;
  // They may do nothing, and learn nothing: decide() tells them so.
  if (isForeign(policy, principal) || isDisabled(policy, principal)) return undefined;
  const run = await knownRun(named.run, runs);
  const terms = termsOf(run, named, question);
  refuseElsewhere(terms, question);
  const refusal = refusalOf(run, terms.workflow, terms.task.name, now);
  if (refusal !== undefined) throw refusal.error;
  return terms;
}

/** A token that was issued for a task is for that one, whatever the client says. */
function namedTask({ principal, named }: ComingQuestion): NamedByClient | undefined {
  const issuedFor = namedByToken(principal);
  if (issuedFor !== undefined && named !== undefined && !isSame(issuedFor, named))
    throw refused(
      'the token was issued for another task than the client names',
      'name the task that it is for, or none: custody run task',
    );
  const meant = issuedFor ?? named;
  if (meant !== undefined && !isNamed(meant))
    throw refused(
      'run and task are not named as they have to be',
      'name both, the run by its id: custody run task RUN TASK -- COMMAND',
    );
  return meant;
}

function isSame(one: NamedByClient, other: NamedByClient): boolean {
  return one.run === other.run && one.task === other.task;
}

async function knownRun(id: string, runs: Pick<Runs, 'get'>): Promise<Run> {
  try {
    return await runs.get(id);
  } catch (error) {
    throw asCustodyError(error).code === 'not-found' ? unknownRun(id) : error;
  }
}

/** The workflow as it is in force: a run goes on under that text alone under which it was started. */
function termsOf(run: Run, named: NamedByClient, { policy, principal }: ComingQuestion): TaskTerms {
  const workflow = policy.compiled.get(run.workflow);
  const theirs = [...(workflow?.tasks.values() ?? [])].filter((task) => mayRun(task, principal, policy));
  if (workflow === undefined || theirs.length === 0) throw unknownRun(run.id);
  const task = theirs.find(({ name }) => name === named.task);
  if (task !== undefined) return { run, workflow, task };
  const names = theirs.map(({ name }) => name).join(', ');
  throw refused(
    `the workflow ${workflow.name} has no task ${named.task} that you may run`,
    `of this run you may run: ${names}`,
  );
}

/** A session is the task at its target and as its login alone. */
function refuseElsewhere({ run, task }: TaskTerms, { policy, target: name, login }: ComingQuestion): void {
  const { target: wanted, login: wantedLogin } = task.declared;
  if (name !== wanted)
    throw refused(
      `the task ${task.name} is run at the target ${wanted}`,
      `connect to that one: custody run task ${run.id} ${task.name} -- COMMAND`,
    );
  const target = policy.targets.get(name);
  if (wantedLogin === undefined || target === undefined) return;
  if (protocolOf(target).loginFor(target, login) !== wantedLogin)
    throw refused(
      `the task ${task.name} is run as the login ${wantedLogin}`,
      `name it: ${wantedLogin}+${name}`,
    );
}

function unknownRun(id: string): CustodyError {
  return refused(
    `there is no run ${id} of which you may run a task`,
    'see which runs there are: custody run list',
  );
}

function refused(message: string, hint: string): CustodyError {
  return new CustodyError('task-refused', message, { hint });
}
