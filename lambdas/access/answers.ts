import type { z } from 'zod';
import { Authorization } from '#core/access/decide.ts';
import {
  type AccessRequest,
  grantOf,
  needsReview,
  type StepOf,
  stateOf,
  stepOf,
} from '#core/access/request.ts';
import { reviewTermsOf } from '#core/access/review-terms.ts';
import type { Asking } from '../asking.ts';
import type { grantShape, requestShape } from './shapes.ts';
import { mayDecide } from './visible.ts';

/** A request as the caller is shown it. */
export function requestAnswer(request: AccessRequest, asking: Asking): z.input<typeof requestShape> {
  const { steps, durationMs, ...question } = request;
  const rule = asking.policy.rules.find(({ name }) => name === request.rule);
  const approval = rule && reviewTermsOf(rule, asking.policy, request.deviation);
  const withdrawn = stepOf(request, 'withdrawn');
  const grant = grantPart(request);
  const review = stepOf(request, 'reviewed');
  const target = asking.policy.targets.get(request.target);
  return {
    ...question,
    ...(target === undefined ? {} : { protocol: target.protocol }),
    state: stateOf(request, asking.now),
    durationSeconds: Math.floor(durationMs / 1000),
    ...(approval === undefined ? {} : { needs: { approvals: approval.approvals, ...approval.reviewers } }),
    decisions: steps.filter(isDecision).map(({ kind, ...decision }) => ({ decision: kind, ...decision })),
    ...(withdrawn === undefined ? {} : { withdrawnAt: withdrawn.at }),
    ...(grant === undefined ? {} : { grant }),
    needsReview: needsReview(request),
    ...(review === undefined ? {} : { review }),
    mayDecide: Authorization.isOne(mayDecide(request, asking)),
  };
}

/** The grant that came of a request. */
export function grantAnswer(request: AccessRequest, asking: Asking): z.input<typeof grantShape> {
  const { id, requester, target, rule, breakGlass } = request;
  const state = stateOf(request, asking.now) as z.infer<typeof grantShape>['state'];
  return { id, state, requester, target, rule, breakGlass, ...grantPart(request)! };
}

function grantPart(request: AccessRequest) {
  const granted = grantOf(request);
  if (granted === undefined) return undefined;
  const ended = stepOf(request, 'returned') ?? stepOf(request, 'revoked');
  const used = stepOf(request, 'used');
  return {
    from: granted.at,
    until: granted.until,
    ...(ended === undefined ? {} : { ended: { ...ended, how: ended.kind } }),
    ...(used === undefined ? {} : { usedBy: used.session }),
  };
}

function isDecision(step: { readonly kind: string }): step is StepOf<'approved' | 'denied'> {
  return step.kind === 'approved' || step.kind === 'denied';
}
