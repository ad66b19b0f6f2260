import { describe, expect, it } from 'vitest';
import { Authorization, decide } from '#core/access/decide.ts';
import { approvalsOf, judge } from '#core/access/lifecycle.ts';
import type { AccessRequest, Step } from '#core/access/request.ts';
import type { Principal } from '#core/identity/principal.ts';
import { ISSUER, NOW, person, policyOf, principal, requestOf } from './support.ts';

const POLICY = policyOf([
  'name: ask, groups: [developers], targets: [orders-db], allow: [connect], approval: { reviewers: { any: [leads] }, approvals: 2, maxDuration: 4h }',
]);
const asked = requestOf({ requester: person('dana', 'dana@example.com') });
const reviewer = (subject: string, more: Partial<Principal>): Principal =>
  principal(subject, ['leads'], more);

function approved(request: AccessRequest, by: Principal): AccessRequest | string {
  const decision = decide({
    policy: POLICY,
    principal: by,
    action: 'approve',
    target: 'orders-db',
    request,
    now: NOW,
  });
  if (!Authorization.isOne(decision)) return decision.code;
  return { ...request, steps: [...request.steps, ...judge(request, decision, 'approved', undefined, NOW)] };
}

const SPELLINGS = [
  'lee@example.com ',
  'Lee@Example.com',
  'l\u200bee@example.com',
  'ｌｅｅ@example.com',
  'lee@example.com.',
];

describe('people by their addresses, however spelt (security case 11)', () => {
  it.each(SPELLINGS)('%j counts once', (email) => {
    const one = approved(asked, reviewer('lee', { email: 'lee@example.com' })) as AccessRequest;
    expect(approved(one, reviewer('lee-2', { email }))).toEqual(one);
    expect(approved(one, reviewer('lee-2', { unverifiedEmail: email }))).toEqual(one);
    expect(
      (approved(one, reviewer('kim', { email: 'kim@example.com' })) as AccessRequest).steps,
    ).toHaveLength(3);
  });

  it.each(SPELLINGS)('%j counts once, also among approvals that were given before', (email) => {
    const by = (subject: string, address: string): Step => ({
      at: NOW.toISOString(),
      kind: 'approved',
      by: { issuer: ISSUER, subject, email: address },
      groups: ['leads'],
    });
    const twice = { ...asked, steps: [by('lee', 'lee@example.com'), by('lee-2', email)] };
    expect(approvalsOf(twice)).toHaveLength(1);
    expect(approvalsOf({ ...asked, steps: [by('lee', 'lee@example.com'), by('kim', 'k@x')] })).toHaveLength(
      2,
    );
  });

  it('nobody decides about their own request by an address that nobody verified', () => {
    expect(approved(asked, reviewer('dana-2', { unverifiedEmail: 'DANA@example.com' }))).toBe(
      'access-denied',
    );
    expect(approved(asked, reviewer('dana-2', { email: 'dana@example.com' }))).toBe('access-denied');
    expect(approved(asked, reviewer('eve', { unverifiedEmail: 'eve@example.com' }))).not.toBe(
      'access-denied',
    );
  });

  it('who is disabled by an address stays so when it is not verified any more', () => {
    const policy = {
      ...policyOf(['name: work, groups: [developers], targets: [orders-db], allow: [connect]']),
      disabled: [{ email: 'dana@example.com' }],
    };
    const connect = (more: Partial<Principal>) =>
      Authorization.isOne(
        decide({
          policy,
          principal: principal('x', ['developers'], more),
          action: 'connect',
          target: 'orders-db',
          now: NOW,
        }),
      );
    expect(connect({ unverifiedEmail: 'dana@example.com' })).toBe(false);
    expect(connect({ email: 'dana@example.com' })).toBe(false);
    expect(connect({ unverifiedEmail: 'eve@example.com' })).toBe(true);
  });
});
