import { asCustodyError, CustodyError } from '../errors.ts';
import type { Contract } from './contract.ts';
import { type Deviation, deviationWords } from './deviation.ts';
import type { Reviewed } from './deviation-desk.ts';
import type { EarlierFacts } from './result/facts.ts';
import type { RunStepOf } from './run.ts';
import type { RunChange, RunDesk } from './run-desk.ts';
import { deviated } from './run-lifecycle.ts';
import { startTask } from './run-start-task.ts';
import type { DeviationNote, DeviationPlace, Outcome, TaskSession } from './session.ts';
import type { Task, Workflow } from './workflows.ts';

/** Deviations of one session that the recording has notes of; more are counted. */
export const NOTES_MAX = 1_000;

/** How many deviations have no note, where there were more than a recording takes. */
export interface OmittedNote {
  readonly note: 'task-deviations-omitted';
  readonly count: number;
}

export interface TaskSessionParts {
  readonly run: string;
  readonly task: Task;
  readonly session: string;
  readonly facts: EarlierFacts;
  /** As it is declared now; undefined where it is not any more. */
  readonly workflow: () => Workflow | undefined;
  readonly desk: Pick<RunDesk, 'change'>;
  /** Onto the tape. */
  readonly note: (note: (DeviationNote | OmittedNote) & Readonly<Record<string, unknown>>) => void;
  /** Where the contract asks: what its reviewers say. */
  readonly review: (deviation: Deviation, about: DeviationPlace) => Promise<Reviewed>;
  /** Milliseconds. */
  readonly monotonic: () => number;
}

type How = DeviationNote['how'];

/** The execution of a task by one session, in its run and on its tape. */
export class RunTaskSession implements TaskSession {
  readonly run: string;
  readonly task: string;
  readonly contract: Contract;
  readonly facts: EarlierFacts;
  readonly #parts: TaskSessionParts;
  #begun: Promise<void> | undefined;
  #beganAt: number | undefined;
  /** The run has the step of its first deviation. */
  #isTold = false;
  #noted = 0;

  constructor(parts: TaskSessionParts) {
    this.#parts = parts;
    this.run = parts.run;
    this.task = parts.task.name;
    this.contract = parts.task.contract;
    this.facts = parts.facts;
  }

  begin(): Promise<void> {
    return (this.#begun ??= this.#begin());
  }

  elapsedMs(): number {
    return this.#beganAt === undefined ? 0 : this.#parts.monotonic() - this.#beganAt;
  }

  async deviated(deviation: Deviation, about: DeviationPlace): Promise<Outcome> {
    const { onDeviation } = this.contract.declared;
    if (onDeviation === 'record') {
      this.#note(deviation, 'recorded');
      await this.#tell(deviation, 'recorded');
      return { goesOn: true };
    }
    if (onDeviation === 'stop') {
      this.#note(deviation, 'stopped');
      await this.#tell(deviation, 'stopped');
      return { goesOn: false, error: this.#stopped(deviation), ends: true };
    }
    await this.#tell(deviation, 'asked');
    return this.#reviewed(deviation, about);
  }

  /** To be called before the tape is closed. */
  finish(): void {
    const count = this.#noted - NOTES_MAX;
    if (count > 0) this.#parts.note({ note: 'task-deviations-omitted', count });
  }

  async #begin(): Promise<void> {
    const { run, session, workflow, facts, monotonic } = this.#parts;
    await this.#change((found, now) => {
      const current = workflow();
      if (current === undefined) throw gone(found.workflow);
      const steps = startTask(found, current, this.task, session, now);
      // Its result is derived from what was there when it began: the path looks at nothing else.
      if (steps.length > 0 && !facts.areOf(found)) throw outdated(run);
      return steps;
    });
    this.#beganAt = monotonic();
  }

  /** A command that was refused never reached the target: the session may go on. An answer has come already: it ends. */
  async #reviewed(deviation: Deviation, about: DeviationPlace): Promise<Outcome> {
    let reviewed: Reviewed | undefined;
    try {
      reviewed = await this.#parts.review(deviation, about);
    } finally {
      this.#note(deviation, reviewed?.approved === true ? 'approved' : 'denied', reviewed?.request);
    }
    if (reviewed.approved) return { goesOn: true };
    const { why, request } = reviewed;
    const error = new CustodyError('contract-deviation', `${deviationWords(deviation)}: ${why}`, {
      hint: request === undefined ? this.#mayDo() : `see custody requests ${request}; ${this.#mayDo()}`,
    });
    return { goesOn: false, error, ends: about.isAnswer };
  }

  /** The first of the session is a step of the run, and durable when it resolves. */
  async #tell({ kind: deviation }: Deviation, how: RunStepOf<'deviated'>['how']): Promise<void> {
    if (this.#isTold) return;
    const what = { task: this.task, session: this.#parts.session, deviation, how };
    await this.#change((found, now) => deviated(found, what, now));
    this.#isTold = true;
  }

  /** Where no answer came the steps may be there all the same, and would stand for what never happened: it is asked again, once. */
  async #change(steps: RunChange): Promise<void> {
    const { desk, run } = this.#parts;
    try {
      await desk.change(run, steps);
    } catch (error) {
      if (asCustodyError(error).code === 'task-refused') throw error;
      await desk.change(run, steps);
    }
  }

  #note({ kind, command, expected, seen }: Deviation, how: How, request?: string): void {
    this.#noted += 1;
    if (this.#noted > NOTES_MAX) return;
    this.#parts.note({
      note: 'task-deviation',
      kind,
      ...(command === undefined ? {} : { command }),
      expected,
      seen,
      how,
      ...(request === undefined ? {} : { request }),
    });
  }

  #stopped(deviation: Deviation): CustodyError {
    return new CustodyError('contract-deviation', deviationWords(deviation), { hint: this.#mayDo() });
  }

  /** For whoever reads it, and for an agent that acts on it. */
  #mayDo(): string {
    const names = this.contract.commands.map(({ declared }) => declared.name);
    const [most, more] = [names.slice(0, NAMES_TOLD), names.length - NAMES_TOLD];
    const told = [...most, ...(more > 0 ? [`and ${more} more`] : [])].join(', ');
    const workflow = this.#parts.workflow()?.name;
    const see = workflow === undefined ? `run show ${this.run}` : `workflow show ${workflow}`;
    return `what you may do: ${told}; see custody ${see}`;
  }
}

const NAMES_TOLD = 10;

function gone(workflow: string): CustodyError {
  return new CustodyError('task-refused', `the workflow ${workflow} is not declared any more`, {
    hint: 'see which there are: custody workflow list',
  });
}

function outdated(run: string): CustodyError {
  return new CustodyError('task-refused', 'an earlier task has put out more since this session was opened', {
    hint: `open it again; see custody run show ${run}`,
  });
}
