import { personOf } from '../access/person.ts';
import type { Leaf } from '../ledger/leaf.ts';
import type { Run } from './run.ts';

/** The ledger's leaf of a run's beginning (0) or of one of its steps (from 1): the same always, whoever enters it. */
export function runLeaf(run: Run, number: number): Leaf {
  if (number > 0) return stepLeaf(run, number);
  const { id, digest, workflow, workflowDigest, startedBy, policy, startedAt } = run;
  const base = { type: 'custody/leaf/1', kind: 'run-started', at: startedAt, run: id } as const;
  return { ...base, digest, workflow, workflowDigest, by: personOf(startedBy), policy };
}

function stepLeaf({ id, steps }: Run, number: number): Leaf {
  const step = steps[number - 1]!;
  const base = { type: 'custody/leaf/1', at: step.at, run: id, step: number } as const;
  switch (step.kind) {
    case 'task-started':
      return { ...base, kind: 'task-started', task: step.task, session: step.session };
    case 'deviated': {
      const { task, session, deviation, how } = step;
      return { ...base, kind: 'run-deviated', task, session, deviation, how };
    }
    case 'task-ended': {
      const { task, session, verdict, result } = step;
      return { ...base, kind: 'task-ended', task, session, verdict, result };
    }
    case 'ended':
      return { ...base, kind: 'run-ended', by: personOf(step.by) };
  }
}
