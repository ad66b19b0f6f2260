import type { Config } from '../access/config.ts';
import type { Authorization } from '../access/decide.ts';
import { CustodyError } from '../errors.ts';
import type { Deviation } from './deviation.ts';
import type { DeviationDesk } from './deviation-desk.ts';
import { gatherFacts } from './result/facts.ts';
import type { RunDesk } from './run-desk.ts';
import type { DeviationPlace } from './session.ts';
import type { RunOutputs, Runs } from './store.ts';
import { RunTaskSession, type TaskSessionParts } from './task-session.ts';

export interface TaskSessionsPorts {
  /** What is in force. */
  readonly policy: () => Pick<Config, 'compiled'>;
  readonly runs: Pick<Runs, 'get' | 'keyOf'>;
  readonly outputs: Pick<RunOutputs, 'get'>;
  readonly desk: Pick<RunDesk, 'change'>;
  readonly reviews: Pick<DeviationDesk, 'ask'>;
  /** Milliseconds. */
  readonly monotonic: () => number;
}

/** A session that is about to be opened. */
export interface ComingSession {
  readonly session: string;
  readonly startedAt: Date;
  readonly note: TaskSessionParts['note'];
  /** Aborted when it has to end. */
  readonly ended: AbortSignal;
}

/** Makes of sessions that are tasks what their protocols hold them to. */
export class TaskSessions {
  readonly #ports: TaskSessionsPorts;

  constructor(ports: TaskSessionsPorts) {
    this.#ports = ports;
  }

  /**
   * Undefined for a session that is no task. Claims nothing yet. Rejects with `task-refused`, and where run, key or outputs cannot be
   * reached: then the session is not to be opened.
   */
  async open(
    permission: Authorization<'connect'>,
    coming: ComingSession,
  ): Promise<RunTaskSession | undefined> {
    const named = permission.context.task;
    if (named === undefined) return undefined;
    const { policy, runs, outputs, desk, monotonic } = this.#ports;
    const run = await runs.get(named.run);
    const workflow = policy().compiled.get(named.workflow);
    const task = workflow?.tasks.get(named.task);
    const isSame = workflow?.digest === named.digest && run.workflowDigest === named.digest;
    if (task === undefined || !isSame) throw changed(named.workflow);
    const { session } = coming;
    const key = await runs.keyOf(run.id);
    const facts = await gatherFacts(task.contract, run, session, key, (one) => outputs.get(run.id, one));
    return new RunTaskSession({
      run: run.id,
      task,
      session,
      facts,
      workflow: () => policy().compiled.get(run.workflow),
      desk,
      note: coming.note,
      review: (deviation, about) => this.#review(permission, coming, named.digest, deviation, about),
      monotonic,
    });
  }

  #review(
    permission: Authorization<'connect'>,
    { session, startedAt, ended }: ComingSession,
    workflowDigest: string,
    deviation: Deviation,
    { command, isAnswer, signal, announce }: DeviationPlace,
  ): ReturnType<DeviationDesk['ask']> {
    const question = { permission, session, startedAt, workflowDigest, deviation, command, isAnswer };
    return this.#ports.reviews.ask(question, {
      signal: signal === undefined ? ended : AbortSignal.any([ended, signal]),
      announce: announce ?? (() => undefined),
    });
  }
}

function changed(workflow: string): CustodyError {
  return new CustodyError('task-refused', `the workflow ${workflow} was changed since this run began`, {
    hint: `start a new run: custody run start ${workflow}`,
  });
}
