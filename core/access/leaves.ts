import type { Leaf } from '../ledger/leaf.ts';
import type { AccessRequest, Step } from './request.ts';

/** The ledger's leaf of a request (0) or of one of its steps (from 1): the same always, whoever enters it. */
export function accessLeaf(request: AccessRequest, number: number): Leaf {
  if (number > 0) return stepLeaf(request, request.steps[number - 1]!);
  const { id, digest, requester, target, rule, breakGlass, createdAt, run, deviation } = request;
  const ofRun = run?.id ?? deviation?.run;
  return {
    type: 'custody/leaf/1',
    kind: 'access-requested',
    at: createdAt,
    request: id,
    digest,
    by: requester,
    target,
    rule,
    breakGlass,
    ...(ofRun === undefined ? {} : { run: ofRun }),
    ...(deviation === undefined ? {} : { session: deviation.session }),
  };
}

function stepLeaf({ id, digest }: AccessRequest, step: Step): Leaf {
  const base = { type: 'custody/leaf/1', at: step.at, request: id } as const;
  switch (step.kind) {
    case 'approved':
    case 'denied':
      return { ...base, kind: 'access-decided', digest, by: step.by, decision: step.kind };
    case 'granted':
      return { ...base, kind: 'access-granted', digest, until: step.until };
    case 'used':
      return { ...base, kind: 'access-used', session: step.session };
    case 'withdrawn':
    case 'returned':
    case 'revoked':
      return { ...base, kind: 'access-ended', by: step.by, how: step.kind };
    case 'reviewed':
      return { ...base, kind: 'access-reviewed', by: step.by, verdict: step.verdict };
  }
}
