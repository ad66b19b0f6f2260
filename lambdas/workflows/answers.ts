import type { z } from 'zod';
import type { Config } from '#core/access/config.ts';
import { fitsSome } from '#core/access/whose.ts';
import { mayStart } from '#core/tasks/may-run.ts';
import { namedByToken } from '#core/tasks/names.ts';
import type { DeclaredCommand, DeclaredTask } from '#core/tasks/schema.ts';
import { type WrittenWorkflow, workflowDigest } from '#core/tasks/workflows.ts';
import type { Asking } from '../asking.ts';
import type { workflowShape } from './shapes.ts';

type WorkflowAnswer = z.input<typeof workflowShape>;
export type TaskAnswer = WorkflowAnswer['tasks'][number];
type CommandAnswer = TaskAnswer['does'][number];

/** A workflow as the caller is shown it. */
export function workflowAnswer(name: string, declared: WrittenWorkflow, asking: Asking): WorkflowAnswer {
  const { caller, policy } = asking;
  return {
    name,
    digest: workflowDigest(declared),
    ...(declared.description === undefined ? {} : { description: declared.description }),
    withinSeconds: seconds(declared.within),
    inputs: declared.inputs,
    mayStart: namedByToken(caller) === undefined && mayStart({ declared }, caller, policy),
    text: declared.written,
    tasks: Object.entries(declared.tasks).map(([task, of]) =>
      taskAnswer(task, of, policy, fitsSome(of.by, caller, policy)),
    ),
  };
}

/** A task with its contract: as it is declared, without who may run it. */
export function taskAnswer(
  name: string,
  { contract, description, target, login, after, within, runs }: DeclaredTask,
  { targets }: Config,
  mayRun: boolean,
): TaskAnswer {
  const { does, order, allow, sets, inputs, outputs, onDeviation } = contract;
  const protocol = targets.get(target)?.protocol;
  return {
    name,
    ...(description === undefined ? {} : { description }),
    target,
    ...(protocol === undefined ? {} : { protocol }),
    ...(login === undefined ? {} : { login }),
    after,
    withinSeconds: seconds(within),
    runs,
    mayRun,
    order,
    allow,
    ...deviationAnswer(onDeviation),
    does: does.map(commandAnswer),
    sets,
    inputs,
    outputs,
  };
}

function deviationAnswer(
  onDeviation: DeclaredTask['contract']['onDeviation'],
): Pick<TaskAnswer, 'onDeviation' | 'ask'> {
  if (typeof onDeviation === 'string') return { onDeviation };
  const { approvals, reviewers, wait } = onDeviation.ask;
  return { onDeviation: 'ask', ask: { approvals, ...reviewers, waitSeconds: seconds(wait) } };
}

function commandAnswer({ answers: { within, ...expected }, ...command }: DeclaredCommand): CommandAnswer {
  return { ...command, answers: { ...expected, ...(within === undefined ? {} : { withinMs: within }) } };
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}
