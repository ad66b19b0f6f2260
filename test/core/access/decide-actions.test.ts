import { describe, expect, it } from 'vitest';
import type { Authorization, Question } from '#core/access/decide.ts';
import type { AccessRequest } from '#core/access/request.ts';
import type { Principal } from '#core/identity/principal.ts';
import { admin, answer, ask, byDana, lee, oncall, operator, type Row } from './decide-support.ts';
import { after, HOUR, person, policyOf, principal } from './support.ts';

describe('request', () => {
  const both = principal('x', ['developers', 'scripts', 'on-call']);
  it.each<Row>([
    ['what one may ask for', {}, 'ask'],
    ['by the first rule of two', { principal: both }, 'ask'],
    ['by the rule that is named', { principal: both, wish: { rule: 'ask-exact' } }, 'ask-exact'],
    ['by a rule of another group', { wish: { rule: 'ask-exact' } }, 'access-denied'],
    ['by a rule that is not there', { wish: { rule: 'nothing' } }, 'access-denied'],
    ['a broken glass', { principal: oncall, wish: { breakGlass: true } }, 'glass'],
    ['a broken glass, where both are possible', { principal: both, wish: { breakGlass: true } }, 'glass'],
    ['a broken glass by a rule that has none', { wish: { breakGlass: true, rule: 'ask' } }, 'access-denied'],
    ['an approval by a rule for a broken glass', { principal: oncall }, 'access-denied'],
    [
      'a target that is not there',
      { target: 'nowhere', principal: oncall, wish: { breakGlass: true } },
      'access-denied',
    ],
    ['every target', { target: '*', principal: oncall, wish: { breakGlass: true } }, 'access-denied'],
    [
      'what one has standing access to',
      { principal: principal('bot', ['bots'], { task: 'deploy' }) },
      'access-denied',
    ],
    ['as a reviewer', { principal: lee }, 'access-denied'],
    ['as an administrator', { principal: admin }, 'access-denied'],
    ['from where nobody may', { context: { network: '192.0.2.1' } }, 'access-denied'],
    [
      'by a contractor, for what is denied',
      {
        target: 'payroll-db',
        principal: principal('x', ['on-call', 'contractors']),
        wish: { breakGlass: true },
      },
      'access-denied',
    ],
  ])('%s', (_what, question, expected) => {
    expect(answer({ action: 'request', ...question })).toBe(expected);
  });

  it('gives the terms of the rule, and the target whole', () => {
    const permission = ask({ action: 'request' }) as Authorization<'request'>;
    expect(permission.terms.approval).toMatchObject({
      maxDuration: 4 * HOUR,
      pendingFor: 24 * HOUR,
      approvals: 1,
    });
    expect(permission.target).toMatchObject({ name: 'orders-db', protocol: 'postgres' });
  });
});

describe('approve', () => {
  const everything = ['developers', 'leads', 'owners', 'admins', 'operators', 'on-call'];
  const glass = byDana({ rule: 'glass', breakGlass: true });
  const as = (who: Principal, request: AccessRequest = byDana()): Partial<Question> => ({
    principal: who,
    request,
  });
  it.each<Row>([
    ['by a reviewer', as(lee), 'ask'],
    ['by a reviewer of the other group', as(principal('o', ['owners'])), 'ask'],
    ['by a reviewer of `all`', as(lee, byDana({ rule: 'ask-exact' })), 'ask-exact'],
    ['of a broken glass, by who looks at it afterwards', as(principal('o', ['owners']), glass), 'glass'],
    ['of a broken glass, by a reviewer of another rule', as(lee, glass), 'access-denied'],
    ['of a broken glass, by who may break it', as(oncall, glass), 'access-denied'],
    ['of nothing', { principal: lee }, 'access-denied'],
    ['by no reviewer', as(principal('eve', ['developers'])), 'access-denied'],
    ['by an administrator', as(admin), 'access-denied'],
    ['by an operator', as(operator), 'access-denied'],
    ['of one’s own', as(principal('dana', everything)), 'access-denied'],
    [
      'of one’s own, by another account with the e-mail in other letters',
      as(
        principal('d2', everything, { email: 'DANA@Example.com' }),
        byDana({ requester: person('dana', 'dana@example.com') }),
      ),
      'access-denied',
    ],
    [
      'of one’s own, by the same subject with another e-mail',
      as(
        principal('dana', everything, { email: 'else@example.com' }),
        byDana({ requester: person('dana', 'dana@example.com') }),
      ),
      'access-denied',
    ],
    [
      'of the same subject of another issuer',
      as({ ...principal('dana', ['leads']), issuer: 'https://other.example' }),
      'ask',
    ],
    ['by a rule that is gone', as(lee, byDana({ rule: 'gone' })), 'access-denied'],
    ['of a request of the other kind', as(lee, byDana({ breakGlass: true })), 'access-denied'],
    [
      'for another target than it is for',
      { ...as(lee, byDana({ target: 'payroll-db' })), target: 'orders-db' },
      'access-denied',
    ],
    [
      'for a target that its rule is not for',
      { ...as(lee, byDana({ target: 'payroll-db' })), target: 'payroll-db' },
      'access-denied',
    ],
    ['from where nobody may', { ...as(lee), context: { network: '192.0.2.1' } }, 'access-denied'],
    ['with a token that has expired', { ...as(lee), now: after(HOUR) }, 'token-invalid'],
    [
      'by a contractor, for what is denied',
      {
        ...as(principal('x', ['owners', 'contractors']), { ...glass, target: 'payroll-db' }),
        target: 'payroll-db',
      },
      'access-denied',
    ],
    [
      'for a target that is no more in the file',
      { ...as(principal('o', ['owners']), { ...glass, target: 'gone-db' }), target: 'gone-db' },
      'glass',
    ],
  ])('%s (security case 11)', (_what, question, expected) => {
    expect(answer({ action: 'approve', ...question })).toBe(expected);
  });

  it('may be given to everybody, and then to everybody else', () => {
    const policy = policyOf([
      `name: ask, groups: [developers], targets: [orders-db], allow: [connect], approval: { reviewers: { any: ['*'] }, maxDuration: 4h }`,
    ]);
    const approve = { action: 'approve', policy, request: byDana() } as const;
    expect(answer({ ...approve, principal: principal('anybody', []) })).toBe('ask');
    expect(answer({ ...approve, principal: principal('dana', ['*']) })).toBe('access-denied');
  });
});

describe('replay, export, terminate, rerun, administer', () => {
  const [own, others] = [person('dana'), person('eve')];
  it.each<Row>([
    ['replay of an own session', { action: 'replay', session: own }, 'own'],
    ["replay of another's", { action: 'replay', session: others }, 'access-denied'],
    ['rerun of an own session', { action: 'rerun', session: own }, 'own'],
    ["rerun of another's", { action: 'rerun', session: others }, 'access-denied'],
    [
      "rerun of another's, by an operator",
      { action: 'rerun', session: others, principal: operator },
      'operators',
    ],
    ['terminate an own session, without a rule', { action: 'terminate', session: own }, 'access-denied'],
    [
      "terminate another's, by an operator",
      { action: 'terminate', session: others, principal: operator },
      'operators',
    ],
    [
      'terminate on another target, by an operator',
      { action: 'terminate', session: others, principal: operator, target: 'payroll-db' },
      'access-denied',
    ],
    [
      'terminate by an administrator',
      { action: 'terminate', session: others, principal: admin },
      'access-denied',
    ],
    [
      "export of another's, by an administrator",
      { action: 'export', session: others, principal: admin },
      'admins',
    ],
    ['export of an own session, without a rule', { action: 'export', session: own }, 'access-denied'],
    [
      'of a contractor, what is denied',
      {
        action: 'replay',
        session: person('x'),
        target: 'payroll-db',
        principal: principal('x', ['contractors']),
      },
      'access-denied',
    ],
    [
      'of a contractor, what is not',
      { action: 'replay', session: person('x'), principal: principal('x', ['contractors']) },
      'own',
    ],
    ['administer', { action: 'administer', target: '*', principal: admin }, 'admins'],
    [
      'administer, by an operator',
      { action: 'administer', target: '*', principal: operator },
      'access-denied',
    ],
    ['administer, by everybody', { action: 'administer', target: '*' }, 'access-denied'],
    [
      'administer, from where nobody may',
      { action: 'administer', target: '*', principal: admin, context: { network: '192.0.2.1' } },
      'access-denied',
    ],
    [
      'administer, with a token that has expired',
      { action: 'administer', target: '*', principal: admin, now: after(HOUR) },
      'token-invalid',
    ],
  ])('%s (security cases 7, 14)', (_what, question, expected) => {
    expect(answer(question)).toBe(expected);
  });
});

it('looks at the conditions of who administers', () => {
  const policy = policyOf([
    `name: admins, groups: [admins], targets: ['*'], allow: [administer], when: { mfa: required }`,
  ]);
  const administer = { policy, action: 'administer', target: '*' } as const;
  expect(answer({ ...administer, principal: admin })).toBe('access-denied');
  expect(answer({ ...administer, principal: { ...admin, mfa: true } })).toBe('admins');
});
