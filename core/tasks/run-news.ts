import { type Person, personOf } from '../access/person.ts';
import type { DeviationKind } from './deviation.ts';
import type { Verdict } from './result/result.ts';
import type { Run, RunStepOf } from './run.ts';

/** What people and machines outside want to hear of a run: a deviation that stopped something or waits for somebody, and each result. */
export interface RunNews {
  /** `<run id>/<number>`: the steps count from 1. */
  readonly id: string;
  readonly kind: 'run-deviated' | 'task-ended';
  /** RFC 3339, UTC, milliseconds. */
  readonly at: string;
  readonly alarm: false;
  readonly run: string;
  readonly workflow: string;
  readonly task: string;
  readonly session: string;
  readonly startedBy: Person;
  readonly deviation?: DeviationKind;
  readonly how?: RunStepOf<'deviated'>['how'];
  readonly verdict?: Verdict;
}

/** The event of a run's beginning (0) or of one of its steps (from 1); undefined where nobody is told. */
export function runNews(run: Run, number: number): RunNews | undefined {
  const step = number === 0 ? undefined : run.steps[number - 1]!;
  const { id, workflow, startedBy } = run;
  const base = {
    id: `${id}/${number}`,
    alarm: false,
    run: id,
    workflow,
    startedBy: personOf(startedBy),
  } as const;
  switch (step?.kind) {
    case 'deviated': {
      const { at, task, session, deviation, how } = step;
      return how === 'recorded'
        ? undefined
        : { ...base, kind: 'run-deviated', at, task, session, deviation, how };
    }
    case 'task-ended': {
      const { at, task, session, verdict } = step;
      return { ...base, kind: 'task-ended', at, task, session, verdict };
    }
    case 'task-started':
    case 'ended':
    case undefined:
      return undefined;
  }
}
