import { describe, expect, it } from 'vitest';
import { Authorization, decide } from '#core/access/decide.ts';
import { type Ask, giveBack, judge, newRequest, review, revoke, use } from '#core/access/lifecycle.ts';
import { type AccessRequest, digestOf, type Step, stateOf } from '#core/access/request.ts';
import type { Principal } from '#core/identity/principal.ts';
import {
  after,
  HOUR,
  ISSUER,
  idOf,
  iso,
  NOW,
  person,
  policyOf,
  principal,
  requestOf,
  thrownBy,
} from './support.ts';

const POLICY = policyOf([
  `name: ask, groups: ['*'], targets: [orders-db], allow: [connect], approval: { reviewers: { any: [leads] }, maxDuration: 4h, pendingFor: 2h }`,
  `name: two, groups: ['*'], targets: [orders-db], allow: [connect], approval: { reviewers: { any: [leads, owners] }, approvals: 2, maxDuration: 4h, reason: optional }`,
  `name: each, groups: ['*'], targets: [orders-db], allow: [connect], approval: { reviewers: { all: [leads, owners] }, maxDuration: 4h, ticket: required }`,
  `name: exact, groups: ['*'], targets: [orders-db], allow: [connect], approval: { reviewers: { any: [leads] }, maxDuration: 4h, statements: exact }`,
  `name: glass, groups: ['*'], targets: ['*'], allow: [connect], breakGlass: { reviewers: { any: [owners] }, maxDuration: 30m }`,
]);
const STATEMENTS = [{ sha256: 'b'.repeat(64), text: 'select 1' }];

const dana = principal('dana', ['developers'], { email: 'dana@example.com' });
const lee = principal('lee', ['developers', 'leads'], { email: 'lee@example.com' });
const leeAgain = principal('lee-admin', ['leads', 'owners'], { email: 'LEE@example.com' });
const rui = principal('rui', ['leads', 'owners']);
const owen = principal('owen', ['owners']);

function mayAsk(rule: string, who: Principal = dana): Authorization<'request'> {
  const wish = { rule, breakGlass: rule === 'glass' };
  const permission = decide({
    policy: POLICY,
    principal: who,
    action: 'request',
    target: 'orders-db',
    wish,
    now: NOW,
  });
  if (!Authorization.isOne(permission)) throw new Error(permission.message);
  return permission;
}

function mayDecide(request: AccessRequest, who: Principal, policy = POLICY): Authorization<'approve'> {
  const { target } = request;
  const permission = decide({ policy, principal: who, action: 'approve', target, request, now: NOW });
  if (!Authorization.isOne(permission)) throw new Error(`${who.subject}: ${permission.message}`);
  return permission;
}

function asked(rule: string, ask: Ask = { reason: 'look' }): AccessRequest {
  return newRequest(mayAsk(rule), rule === 'exact' ? { statements: STATEMENTS, ...ask } : ask, idOf(1), NOW);
}

function and(request: AccessRequest, ...steps: readonly (Step | readonly Step[])[]): AccessRequest {
  return { ...request, steps: [...request.steps, ...steps.flat()] };
}

function approvedBy(request: AccessRequest, who: Principal, now = NOW): AccessRequest {
  return and(request, judge(request, mayDecide(request, who), 'approved', undefined, now));
}

const granted = (rule = 'ask', ask?: Ask): AccessRequest =>
  rule === 'glass' ? asked(rule, ask) : approvedBy(asked(rule, ask), lee);
const end = (kind: 'withdrawn' | 'returned' | 'revoked'): Step => ({ at: iso(0), kind, by: person('dana') });

/** One request in each state, at NOW or at the time beside it. */
const pending = asked('ask');
const states: readonly [state: string, request: AccessRequest, now: Date][] = [
  ['pending', pending, NOW],
  ['expired', pending, after(2 * HOUR)],
  ['granted', granted(), NOW],
  ['ended', granted(), after(4 * HOUR)],
  ['denied', and(pending, judge(pending, mayDecide(pending, lee), 'denied', undefined, NOW)), NOW],
  ['withdrawn', and(pending, end('withdrawn')), NOW],
  ['returned', and(granted(), end('returned')), NOW],
  ['revoked', and(granted(), end('revoked')), NOW],
];
const WORDS: Readonly<Record<string, string>> = {
  pending: 'it waits for reviewers',
  granted: 'it is granted',
  expired: 'nobody decided in time',
  ended: 'the grant has run out',
  denied: 'it was denied',
  withdrawn: 'it was withdrawn',
  returned: 'it was given back',
  revoked: 'it was revoked',
};

describe('newRequest', () => {
  it('names who asks for what, by which rule of which version, until when', () => {
    const ask = { reason: 'look', ticket: 'OPS-1', durationMs: HOUR };
    const request = newRequest(mayAsk('ask'), ask, idOf(1), NOW);
    const question = {
      requester: { issuer: ISSUER, subject: 'dana', email: 'dana@example.com' },
      target: 'orders-db',
      rule: 'ask',
      policy: POLICY.version,
      reason: 'look',
      ticket: 'OPS-1',
      durationMs: HOUR,
      breakGlass: false,
      createdAt: iso(0),
      pendingUntil: iso(2 * HOUR),
    };
    expect(request).toEqual({ ...question, id: idOf(1), digest: digestOf(question), steps: [] });
  });

  it('lasts as long as the rule gives when nobody says how long', () => {
    expect(asked('ask')).toMatchObject({ durationMs: 4 * HOUR });
  });

  it('is granted at once with a broken glass, and for no longer than it gives', () => {
    const request = asked('glass');
    expect(request).toMatchObject({ breakGlass: true, pendingUntil: iso(0) });
    expect(request.steps).toEqual([{ at: iso(0), kind: 'granted', until: iso(HOUR / 2) }]);
    expect(newRequest(mayAsk('glass'), { reason: 'x', durationMs: 60_000 }, idOf(1), NOW).steps).toEqual([
      { at: iso(0), kind: 'granted', until: iso(60_000) },
    ]);
  });

  it.each<[what: string, rule: string, ask: Ask]>([
    ['a reason that is optional', 'two', {}],
    ['the longest', 'ask', { reason: 'x', durationMs: 4 * HOUR }],
    ['the shortest', 'ask', { reason: 'x', durationMs: 1_000 }],
    ['a ticket where one is needed', 'each', { reason: 'x', ticket: 'OPS-1' }],
    ['commands where any will do', 'ask', { reason: 'x', statements: STATEMENTS }],
    ['commands for a broken glass', 'glass', { reason: 'x', statements: STATEMENTS }],
  ])('takes %s', (_what, rule, ask) => {
    expect(newRequest(mayAsk(rule), ask, idOf(1), NOW)).toMatchObject(ask);
  });

  it.each<[what: string, rule: string, ask: Ask, message: string]>([
    ['no reason', 'ask', {}, 'this access needs a reason'],
    ['an empty reason', 'ask', { reason: '' }, 'this access needs a reason'],
    ['a reason of spaces', 'ask', { reason: ' \t\n' }, 'this access needs a reason'],
    ['no reason for a broken glass', 'glass', {}, 'this access needs a reason'],
    ['no ticket', 'each', { reason: 'x' }, 'this access needs a ticket'],
    ['an empty ticket', 'each', { reason: 'x', ticket: ' ' }, 'this access needs a ticket'],
    ['no commands', 'exact', { reason: 'x' }, 'this access needs a list of the exact commands'],
    [
      'an empty list of commands',
      'exact',
      { reason: 'x', statements: [] },
      'this access needs a list of the exact commands',
    ],
    [
      'an empty list where none is needed',
      'ask',
      { reason: 'x', statements: [] },
      'this access needs a list of the exact commands',
    ],
    ['too long', 'ask', { reason: 'x', durationMs: 4 * HOUR + 1 }, 'the rule ask gives at most 4h'],
    ['too short', 'ask', { reason: 'x', durationMs: 999 }, 'the rule ask gives at most 4h'],
    ['no time', 'ask', { reason: 'x', durationMs: 0 }, 'the rule ask gives at most 4h'],
    ['a time that was', 'ask', { reason: 'x', durationMs: -HOUR }, 'the rule ask gives at most 4h'],
    ['no number', 'ask', { reason: 'x', durationMs: Number.NaN }, 'the rule ask gives at most 4h'],
    ['forever', 'ask', { reason: 'x', durationMs: Infinity }, 'the rule ask gives at most 4h'],
    [
      'too long with a broken glass',
      'glass',
      { reason: 'x', durationMs: HOUR },
      'the rule glass gives at most 30m',
    ],
  ])('refuses %s', (_what, rule, ask, message) => {
    const run = (): AccessRequest => newRequest(mayAsk(rule), ask, idOf(1), NOW);
    expect(thrownBy(run)).toEqual({ code: 'format-invalid', message });
  });

  it.each<[what: string, more: Partial<Principal>]>([
    ['a subject that is too long', { subject: 'd'.repeat(256) }],
    ['an e-mail address that is too long', { email: 'd'.repeat(321) }],
    ['a subject that is no text', { subject: '\ud800' }],
  ])('refuses %s: no leaf of the ledger could name them', (_what, more) => {
    const permission = mayAsk('ask', { ...dana, ...more });
    expect(thrownBy(() => newRequest(permission, { reason: 'x' }, idOf(1), NOW)).code).toBe('token-invalid');
  });
});

describe('judge', () => {
  it('grants with the approval that was missing, and starts the clock there', () => {
    const steps = judge(pending, mayDecide(pending, lee), 'approved', 'fine', after(HOUR));
    expect(steps).toEqual([
      {
        at: iso(HOUR),
        kind: 'approved',
        by: { issuer: ISSUER, subject: 'lee', email: 'lee@example.com' },
        groups: ['leads'],
        comment: 'fine',
      },
      { at: iso(HOUR), kind: 'granted', until: iso(5 * HOUR) },
    ]);
  });

  it('grants with the second of two, from then on, for as long as was asked for', () => {
    const first = approvedBy(asked('two', { durationMs: 60_000 }), lee);
    expect(first.steps.map(({ kind }) => kind)).toEqual(['approved']);
    const second = judge(first, mayDecide(first, owen), 'approved', undefined, after(HOUR));
    expect(second).toEqual([
      { at: iso(HOUR), kind: 'approved', by: person('owen'), groups: ['owners'] },
      { at: iso(HOUR), kind: 'granted', until: iso(HOUR + 60_000) },
    ]);
  });

  it('needs one of each group, and counts nobody for two (security case 11)', () => {
    const request = asked('each', { reason: 'x', ticket: 'OPS-1' });
    const first = approvedBy(request, rui);
    expect(first.steps.map(({ kind }) => kind)).toEqual(['approved']);
    expect(approvedBy(first, lee).steps.map(({ kind }) => kind)).toEqual(['approved', 'approved', 'granted']);
    const two = approvedBy(approvedBy(request, lee), principal('kim', ['leads']));
    expect(two.steps.map(({ kind }) => kind)).toEqual(['approved', 'approved']);
    expect(approvedBy(two, owen).steps.at(-1)?.kind).toBe('granted');
  });

  it.each([
    ['again', lee],
    ['by another account of the same e-mail', leeAgain],
    ['by the same account with another e-mail', { ...lee, email: 'else@example.com' }],
  ])('counts one person once: %s (security case 11)', (_what, who) => {
    const first = approvedBy(asked('two', {}), lee);
    expect(judge(first, mayDecide(first, who), 'approved', undefined, NOW)).toEqual([]);
  });

  it('adds nothing when the same person says the same again, also when it is over', () => {
    for (const request of [granted(), and(granted(), end('revoked'))])
      expect(judge(request, mayDecide(request, lee), 'approved', undefined, after(99 * HOUR))).toEqual([]);
    const denied = and(pending, judge(pending, mayDecide(pending, lee), 'denied', 'no', NOW));
    expect(judge(denied, mayDecide(denied, lee), 'denied', undefined, NOW)).toEqual([]);
  });

  it('ends with one who denies', () => {
    const first = approvedBy(asked('two', {}), lee);
    expect(judge(first, mayDecide(first, owen), 'denied', 'no', NOW)).toEqual([
      { at: iso(0), kind: 'denied', by: person('owen'), groups: ['owners'], comment: 'no' },
    ]);
  });

  it('lets nobody change their mind, whichever account they use', () => {
    const first = approvedBy(asked('two', {}), lee);
    for (const who of [lee, leeAgain])
      expect(thrownBy(() => judge(first, mayDecide(first, who), 'denied', undefined, NOW))).toEqual({
        code: 'conflict',
        message: 'you have approved this request already',
      });
    const denied = and(pending, judge(pending, mayDecide(pending, lee), 'denied', undefined, NOW));
    expect(thrownBy(() => judge(denied, mayDecide(denied, lee), 'approved', undefined, NOW)).message).toBe(
      'you have denied this request already',
    );
  });

  it.each(states.filter(([state]) => state !== 'pending'))(
    'decides nothing when it is %s',
    (state, request, now) => {
      for (const verdict of ['approved', 'denied'] as const)
        expect(thrownBy(() => judge(request, mayDecide(request, rui), verdict, undefined, now))).toEqual({
          code: 'conflict',
          message: `the request is not pending any more: ${WORDS[state]}`,
        });
    },
  );

  it('decides until a millisecond before it expires', () => {
    const permission = mayDecide(pending, lee);
    expect(judge(pending, permission, 'approved', undefined, after(2 * HOUR - 1))).toHaveLength(2);
    expect(thrownBy(() => judge(pending, permission, 'approved', undefined, after(2 * HOUR))).code).toBe(
      'conflict',
    );
  });

  it('approves no broken glass', () => {
    const glass = asked('glass');
    for (const verdict of ['approved', 'denied'] as const)
      expect(thrownBy(() => judge(glass, mayDecide(glass, owen), verdict, undefined, NOW)).message).toBe(
        'a broken glass needs no approval: review it',
      );
  });

  it('gives no longer than the rule gives by then (security case 12)', () => {
    const shorter = policyOf([
      `name: ask, groups: ['*'], targets: [orders-db], allow: [connect], approval: { reviewers: { any: [leads] }, maxDuration: 10m }`,
    ]);
    const steps = judge(pending, mayDecide(pending, lee, shorter), 'approved', undefined, NOW);
    expect(steps.at(-1)).toEqual({ at: iso(0), kind: 'granted', until: iso(600_000) });
  });

  it('goes by the approvals that the rule wants by then', () => {
    const stricter = policyOf([
      `name: ask, groups: ['*'], targets: [orders-db], allow: [connect], approval: { reviewers: { any: [leads] }, approvals: 2, maxDuration: 4h }`,
    ]);
    expect(judge(pending, mayDecide(pending, lee, stricter), 'approved', undefined, NOW)).toHaveLength(1);
  });
});

describe('permission to decide', () => {
  const others: readonly [what: string, request: AccessRequest][] = [
    ['by another rule', asked('two', {})],
    ['for another target', { ...pending, target: 'payroll-db' }],
    ["that is the reviewer's own", requestOf({ requester: person('lee') })],
    ["of the reviewer's other account", requestOf({ requester: person('lee-admin', 'Lee@Example.com') })],
  ];
  it.each(others)('is not good for a request %s (security cases 11, 14)', (_what, request) => {
    const permission = mayDecide(pending, lee);
    const refused = { code: 'internal', message: 'the permission is for another request' };
    expect(thrownBy(() => judge(request, permission, 'approved', undefined, NOW))).toEqual(refused);
    expect(thrownBy(() => judge(request, permission, 'denied', undefined, NOW))).toEqual(refused);
    expect(thrownBy(() => revoke(and(request, granted().steps), permission, undefined, NOW))).toEqual(
      refused,
    );
  });

  it("to look at a broken glass is not good for one's own (security case 11)", () => {
    const glass = asked('glass');
    const own = { ...glass, requester: person('owen') };
    expect(thrownBy(() => review(own, mayDecide(glass, owen), 'justified', undefined, NOW)).code).toBe(
      'internal',
    );
  });
});

describe('giveBack', () => {
  const done: Readonly<Record<string, string>> = { pending: 'withdrawn', granted: 'returned' };
  it.each(states)('when it is %s', (state, request, now) => {
    const kind = done[state];
    const again = state === 'withdrawn' || state === 'returned';
    const message = `there is nothing to give back: ${WORDS[state]}`;
    const expected =
      kind !== undefined
        ? [{ at: now.toISOString(), kind, by: person('dana', 'dana@example.com') }]
        : again
          ? []
          : { code: 'conflict', message };
    let answer: unknown;
    const thrown = thrownBy(() => (answer = giveBack(request, dana, now)));
    expect(answer ?? thrown).toEqual(expected);
  });

  it.each([
    ['a reviewer', lee],
    ['another account of the same e-mail', person('dana-2', 'dana@example.com')],
    ['the same subject of another issuer', { issuer: 'https://other.example', subject: 'dana' }],
  ])('is for the requester alone, and not for %s (security case 14)', (_what, who) => {
    for (const request of [pending, granted()])
      expect(thrownBy(() => giveBack(request, who, NOW))).toEqual({
        code: 'access-denied',
        message: 'only who asked for it can give it back',
      });
  });

  it('gives a broken glass back, which somebody still has to look at', () => {
    const glass = and(asked('glass'), giveBack(asked('glass'), dana, NOW));
    expect(glass.steps.map(({ kind }) => kind)).toEqual(['granted', 'returned']);
    expect(review(glass, mayDecide(glass, owen), 'justified', undefined, NOW)).toHaveLength(1);
  });
});

describe('revoke', () => {
  it.each(states)('when it is %s', (state, request, now) => {
    const refused =
      state === 'pending' ? 'it is not granted yet: deny it' : `there is no grant to revoke: ${WORDS[state]}`;
    const step = { at: now.toISOString(), kind: 'revoked', by: person('rui'), comment: 'stop' };
    const expected =
      state === 'granted' ? [step] : state === 'revoked' ? [] : { code: 'conflict', message: refused };
    let answer: unknown;
    const thrown = thrownBy(() => (answer = revoke(request, mayDecide(request, rui), 'stop', now)));
    expect(answer ?? thrown).toEqual(expected);
  });

  it('takes a broken glass away, without a comment', () => {
    const glass = asked('glass');
    expect(revoke(glass, mayDecide(glass, owen), undefined, after(1))).toEqual([
      { at: iso(1), kind: 'revoked', by: person('owen') },
    ]);
  });
});

describe('review', () => {
  const glass = asked('glass');
  const reviewed = and(glass, review(glass, mayDecide(glass, owen), 'unjustified', 'why?', NOW));

  it('says who looked, and what they think', () => {
    expect(reviewed.steps.at(-1)).toEqual({
      at: iso(0),
      kind: 'reviewed',
      by: person('owen'),
      verdict: 'unjustified',
      comment: 'why?',
    });
  });

  it('is possible whenever: while it is granted, and when it is over', () => {
    const over = [after(HOUR), after(1_000 * HOUR)];
    for (const now of over)
      expect(review(glass, mayDecide(glass, owen), 'justified', undefined, now)).toHaveLength(1);
    const gone = and(glass, end('revoked'));
    expect(review(gone, mayDecide(gone, rui), 'justified', undefined, NOW)).toHaveLength(1);
  });

  it('happens once: the same again is nothing, anything else a conflict', () => {
    expect(review(reviewed, mayDecide(reviewed, owen), 'unjustified', undefined, NOW)).toEqual([]);
    const refused = { code: 'conflict', message: 'it was reviewed already, by owen: unjustified' };
    expect(thrownBy(() => review(reviewed, mayDecide(reviewed, owen), 'justified', undefined, NOW))).toEqual(
      refused,
    );
    expect(thrownBy(() => review(reviewed, mayDecide(reviewed, rui), 'unjustified', undefined, NOW))).toEqual(
      refused,
    );
  });

  it('is not for what was approved', () => {
    const request = granted();
    expect(thrownBy(() => review(request, mayDecide(request, rui), 'justified', undefined, NOW))).toEqual({
      code: 'conflict',
      message: 'only the use of a broken glass is reviewed afterwards',
    });
  });
});

describe('use', () => {
  const one = granted('exact');

  it('gives a grant for one session its session', () => {
    expect(use(one, idOf(7), after(1))).toEqual([{ at: iso(1), kind: 'used', session: idOf(7) }]);
  });

  it('is nothing for a grant that is for any number of sessions', () => {
    expect(use(granted(), idOf(7), NOW)).toEqual([]);
  });

  it('happens once; the session that has it may ask again, should it not have heard the answer', () => {
    const used = and(one, use(one, idOf(7), NOW));
    expect(use(used, idOf(7), after(1))).toEqual([]);
    expect(thrownBy(() => use(used, idOf(8), NOW))).toEqual({
      code: 'conflict',
      message: 'the grant was for one session, and is used',
    });
    expect(thrownBy(() => use(and(used, end('revoked')), idOf(7), NOW)).code).toBe('conflict');
    expect(thrownBy(() => use(used, idOf(7), after(4 * HOUR))).code).toBe('conflict');
  });

  it('takes nothing from who may end it: it is returned and revoked as before', () => {
    const used = and(one, use(one, idOf(7), NOW));
    expect(stateOf(used, NOW)).toBe('used');
    expect(giveBack(used, used.requester, NOW)).toMatchObject([{ kind: 'returned' }]);
    expect(revoke(used, mayDecide(used, rui), undefined, NOW)).toMatchObject([{ kind: 'revoked' }]);
  });

  it.each<[state: string, request: AccessRequest, now: Date]>([
    ['pending', asked('exact'), NOW],
    ['ended', one, after(4 * HOUR)],
    ['returned', and(one, end('returned')), NOW],
    ['revoked', and(one, end('revoked')), NOW],
  ])('is not possible when it is %s (security case 12)', (state, request, now) => {
    expect(thrownBy(() => use(request, idOf(7), now))).toEqual({
      code: 'conflict',
      message: `there is no grant to use: ${WORDS[state]}`,
    });
  });
});
