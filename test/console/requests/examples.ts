import type { AccessRequest, Person } from '../../../console/api/types.ts';

export const DANA: Person = { issuer: 'https://id.example', subject: 'dev-1', email: 'dana@example.com' };
export const RUI: Person = { issuer: 'https://id.example', subject: 'rev-1', email: 'rui@example.com' };
export const SAM: Person = { issuer: 'https://id.example', subject: 'rev-2', email: 'sam@example.com' };

/** One of Dana's that waits for two reviewers, as a reviewer is shown it. */
export function request(more: Partial<AccessRequest> = {}): AccessRequest {
  return {
    id: '019aaf35-2a80-7b61-8e21-1f6a7c1d2e3f',
    state: 'pending',
    digest: 'd',
    requester: DANA,
    target: 'orders-prod',
    protocol: 'postgres',
    rule: 'developers-ask',
    policy: 'p',
    reason: 'an order is stuck',
    durationSeconds: 3_600,
    breakGlass: false,
    createdAt: '2026-11-23T09:00:00.000Z',
    pendingUntil: '2026-11-23T17:00:00.000Z',
    needs: { approvals: 2, any: ['reviewers'] },
    decisions: [],
    needsReview: false,
    mayDecide: true,
    ...more,
  };
}

export function decision(
  by: Person,
  kind: 'approved' | 'denied' = 'approved',
): AccessRequest['decisions'][number] {
  return { decision: kind, by, at: '2026-11-23T09:05:00.000Z', groups: ['reviewers'] };
}

export const GRANT = { from: '2026-11-23T09:10:00.000Z', until: '2026-11-23T10:10:00.000Z' };
