import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Authorization, decide } from '#core/access/decide.ts';
import { accessLeaf } from '#core/access/leaves.ts';
import { approvalsOf, judge, newRequest } from '#core/access/lifecycle.ts';
import { newsOf } from '#core/access/news.ts';
import { personOf } from '#core/access/person.ts';
import { type AccessRequest, digestOf, type Step, stateOf } from '#core/access/request.ts';
import type { Principal } from '#core/identity/principal.ts';
import { leafBytes } from '#core/ledger/leaf.ts';
import { ISSUER, NOW, person, policyOf, principal, requestOf } from './support.ts';

const POLICY = policyOf([
  'name: ask, groups: [developers], targets: [orders-db], allow: [connect], approval: { reviewers: { any: [leads] }, approvals: 2, maxDuration: 4h }',
]);
const asked = requestOf({ requester: person('dana', 'dana@example.com') });
const reviewer = (subject: string, more: Partial<Principal>): Principal =>
  principal(subject, ['leads'], more);

function approved(
  request: AccessRequest,
  by: Principal,
  verdict: 'approved' | 'denied' = 'approved',
): AccessRequest | string {
  const decision = decide({
    policy: POLICY,
    principal: by,
    action: 'approve',
    target: 'orders-db',
    request,
    now: NOW,
  });
  if (!Authorization.isOne(decision)) return decision.code;
  return { ...request, steps: [...request.steps, ...judge(request, decision, verdict, undefined, NOW)] };
}

function askedBy(requester: Principal): AccessRequest {
  const rules = policyOf([
    'name: ask, groups: [developers], targets: [orders-db], allow: [connect], actor: any, approval: { reviewers: { any: [leads] }, approvals: 2, maxDuration: 4h, coversActors: true }',
  ]);
  const permission = decide({
    policy: rules,
    principal: requester,
    action: 'request',
    target: 'orders-db',
    now: NOW,
  });
  if (!Authorization.isOne(permission)) throw new Error(permission.message);
  return newRequest(permission, { reason: 'see INC-7' }, asked.id, NOW);
}

function stepsOf(request: AccessRequest | string): number {
  return typeof request === 'string' ? 0 : request.steps.length;
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

  it.each(SPELLINGS)('%j counts once, whichever account came first', (email) => {
    const one = approved(asked, reviewer('lee-2', { unverifiedEmail: email })) as AccessRequest;
    expect(one.steps).toHaveLength(1);
    expect(approved(one, reviewer('lee', { email: 'lee@example.com' }))).toEqual(one);
    expect(approved(one, reviewer('lee-3', { unverifiedEmail: 'lee@example.com' }))).toEqual(one);
    expect(
      (approved(one, reviewer('kim', { email: 'kim@example.com' })) as AccessRequest).steps,
    ).toHaveLength(3);
  });

  it('whoever has an address in common is one person in both directions, for any two', () => {
    const address = fc.option(fc.constantFrom('lee@example.com', 'LEE@example.com', 'kim@example.com'), {
      nil: undefined,
    });
    const account = fc.record({
      subject: fc.constantFrom('a', 'b'),
      email: address,
      unverifiedEmail: address,
    }) as fc.Arbitrary<Principal>;
    fc.assert(
      fc.property(account, account, (one, two) => {
        const [a, b] = [reviewer(one.subject, one), reviewer(two.subject, two)];
        const known = (who: Principal) => [who.email, who.unverifiedEmail].map((text) => text?.toLowerCase());
        const isOne =
          a.subject === b.subject || known(a).some((text) => text !== undefined && known(b).includes(text));
        const first = approved(asked, a) as AccessRequest;
        expect(stepsOf(approved(first, b)) === 1).toBe(isOne);
        const own = askedBy({ ...a, groups: ['developers'] });
        expect(approved(own, b) === 'access-denied').toBe(isOne);
      }),
    );
  });

  it('nobody is kept from denying by who only says to have their address', () => {
    const one = approved(asked, reviewer('eve', { unverifiedEmail: 'lee@example.com' })) as AccessRequest;
    const lee = reviewer('lee', { email: 'lee@example.com' });
    expect(stateOf(approved(one, lee, 'denied') as AccessRequest, NOW)).toBe('denied');
    expect(() => approved(approved(asked, lee) as AccessRequest, lee, 'denied')).toThrow('approved');
  });

  it('nobody decides about what they asked for with an address that nobody verified', () => {
    const dana = principal('dana-2', ['developers'], { unverifiedEmail: 'DANA@example.com' });
    for (const requester of [dana, { ...dana, actors: [{ issuer: ISSUER, subject: 'agent-7' }] }]) {
      const request = askedBy(requester);
      expect(approved(request, reviewer('dana', { email: 'dana@example.com' }))).toBe('access-denied');
      expect(approved(request, reviewer('dana-3', { unverifiedEmail: 'dana@example.com' }))).toBe(
        'access-denied',
      );
      expect(approved(request, reviewer('lee', { email: 'lee@example.com' }))).not.toBe('access-denied');
      // It gives nobody anything, and nobody else is shown it.
      expect(request.digest).toBe(digestOf({ ...request, requester: personOf(request.requester) }));
      expect(JSON.stringify([newsOf(request, 0), leafBytes(accessLeaf(request, 0)).toString()])).not.toMatch(
        /dana@/i,
      );
    }
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
