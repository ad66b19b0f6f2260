import { describe, expect, it } from 'vitest';
import type { Question } from '#core/access/decide.ts';
import { answer, grant } from './decide-support.ts';
import { ISSUER, idOf, NOW, person, policyOf, principal } from './support.ts';

describe('a rule that denies', () => {
  const standing = `name: all, groups: ['*'], targets: ['*'], allow: [connect, replay, administer], sessions: any`;
  const asking = `name: ask, groups: ['*'], targets: ['*'], allow: [connect], approval: { reviewers: { any: [leads] }, maxDuration: 4h }`;
  it.each<[what: string, deny: string, question: Partial<Question>, answer: string]>([
    ['its action', `groups: ['*'], targets: ['*'], deny: [connect]`, {}, 'access-denied'],
    ['not another action', `groups: ['*'], targets: ['*'], deny: [replay]`, {}, 'all'],
    ['its group', `groups: [developers], targets: ['*'], deny: [connect]`, {}, 'access-denied'],
    ['not another group', `groups: [leads], targets: ['*'], deny: [connect]`, {}, 'all'],
    ['its target', `groups: ['*'], targets: [orders-db], deny: [connect]`, {}, 'access-denied'],
    ['not another target', `groups: ['*'], targets: [payroll-db], deny: [connect]`, {}, 'all'],
    [
      "anybody's session",
      `groups: ['*'], targets: ['*'], deny: [replay]`,
      { action: 'replay', session: person('eve') },
      'access-denied',
    ],
    [
      'its hours',
      `groups: ['*'], targets: ['*'], deny: [connect], when: { hours: { from: '09:00', to: '10:00', zone: UTC } }`,
      {},
      'access-denied',
    ],
    [
      'not outside its hours',
      `groups: ['*'], targets: ['*'], deny: [connect], when: { hours: { from: '10:00', to: '11:00', zone: UTC } }`,
      {},
      'all',
    ],
    [
      'who comes without a device',
      `groups: ['*'], targets: ['*'], deny: [connect], when: { device: unbound }`,
      {},
      'access-denied',
    ],
    [
      'an address that cannot be read',
      `groups: ['*'], targets: ['*'], deny: [connect], when: { networks: [192.0.2.0/24] }`,
      { context: { network: 'x' } },
      'access-denied',
    ],
    [
      'to administer',
      `groups: ['*'], targets: ['*'], deny: [administer]`,
      { action: 'administer', target: '*' },
      'access-denied',
    ],
  ])('denies %s', (_what, deny, question, expected) => {
    expect(answer({ policy: policyOf([standing, `name: deny, ${deny}`]), ...question })).toBe(expected);
    expect(answer({ policy: policyOf([`name: deny, ${deny}`, standing]), ...question })).toBe(expected);
  });

  it.each(['connect', 'request'])('that denies to %s leaves nothing to ask for', (action) => {
    const policy = policyOf([
      asking,
      `name: deny, groups: [developers], targets: [orders-db], deny: [${action}]`,
    ]);
    expect(answer({ policy })).toBe('access-denied');
    expect(answer({ policy, target: 'payroll-db' })).toBe('approval-required');
  });

  it('that denies to connect ends what a grant allows', () => {
    const policy = policyOf([
      asking,
      `name: deny, groups: [developers], targets: [orders-db], deny: [connect]`,
    ]);
    expect(answer({ policy, ...grant() })).toBe('access-denied');
  });
});

describe('who is disabled', () => {
  const everyone = principal('dana', ['developers', 'admins'], { email: 'Dana@Example.com' });
  it.each([
    ['by subject', `{ subject: dana }`],
    ['by subject and issuer', `{ subject: dana, issuer: ${ISSUER} }`],
    ['by e-mail', `{ email: dana@example.com }`],
    ['by e-mail in other letters', `{ email: DANA@EXAMPLE.COM }`],
    ['among others', `{ subject: eve }, { email: dana@example.com }`],
  ])('may do nothing: %s (security case 12)', (_what, disabled) => {
    const policy = policyOf(
      [
        `name: all, groups: ['*'], targets: ['*'], allow: [connect, replay, export, terminate, rerun, administer]`,
      ],
      `disabled: [${disabled}]`,
    );
    for (const action of ['connect', 'replay', 'export', 'terminate', 'rerun', 'administer'] as const) {
      const question = { policy, action, principal: everyone, session: person('dana') };
      expect(answer(question)).toBe('access-denied');
      expect(answer({ ...question, principal: principal('rui', []), session: person('rui') })).toBe('all');
    }
    const live = { session: idOf(7), rule: 'all', startedAt: NOW };
    expect(answer({ policy, principal: everyone, live })).toBe('access-denied');
  });

  it.each([
    ['the same subject of another issuer', `{ subject: dana, issuer: 'https://other.example' }`],
    ['a subject in other letters, which is another', `{ subject: Dana }`],
    ['an e-mail that only begins alike', `{ email: dana@example.com.evil }`],
    ['an e-mail that is a subject', `{ email: dana }`],
  ])('is not %s', (_what, disabled) => {
    const policy = policyOf(
      [`name: all, groups: ['*'], targets: ['*'], allow: [connect]`],
      `disabled: [${disabled}]`,
    );
    expect(answer({ policy, principal: everyone })).toBe('all');
  });
});
