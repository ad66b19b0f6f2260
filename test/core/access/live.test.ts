import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Config } from '#core/access/config.ts';
import { Authorization, decide } from '#core/access/decide.ts';
import { endingOf, type LiveQuestion } from '#core/access/live.ts';
import type { Step } from '#core/access/request.ts';
import { anyLiveQuestion } from './arbitrary.ts';
import {
  after,
  grantedRequest,
  HOUR,
  idOf,
  iso,
  issuersOf,
  NOW,
  person,
  policyOf,
  principal,
  requestOf,
} from './support.ts';

const ASK = `name: ask, groups: [developers], targets: [orders-db], allow: [connect], approval: { reviewers: { any: [leads] }, maxDuration: 4h }`;
const STANDING = `name: standing, groups: [developers], targets: [orders-db], allow: [connect]`;
const SESSION = idOf(7);

const dana = principal('dana', ['developers'], { email: 'dana@example.com' });
/** A session by the rule `ask` and a grant that is live until an hour from now, less a minute. */
const BY_GRANT: LiveQuestion = {
  policy: policyOf([ASK, STANDING]),
  principal: dana,
  action: 'connect',
  target: 'orders-db',
  now: NOW,
  context: { network: '198.51.100.7' },
  grants: [grantedRequest()],
  live: { session: SESSION, rule: 'ask', grant: idOf(1), startedAt: after(-30_000) },
};
const BY_RULE: LiveQuestion = {
  ...BY_GRANT,
  grants: [],
  live: { session: SESSION, rule: 'standing', startedAt: after(-30_000) },
};

/** A session by the rule `standing` with these further keys. */
function standing(more: string, question: Partial<LiveQuestion> = {}): LiveQuestion {
  return { ...BY_RULE, policy: policyOf([`${STANDING}, ${more}`]), ...question };
}

function byGrant(...steps: readonly Step[]): LiveQuestion {
  return { ...BY_GRANT, grants: [grantedRequest({}, ...steps)] };
}

function withPolicy(question: LiveQuestion, ...rules: readonly string[]): LiveQuestion {
  return { ...question, policy: policyOf(rules) };
}

const HINT = 'see what you may use: custody targets';
const device = {
  key: 'SHA256:x',
  proof: 'tls-certificate' as const,
  thumbprint: 'x',
  expiresAt: after(HOUR),
};
const CHANGED = 'the access rule does not allow it any more';
const NO_GRANT = 'the grant of this session is not valid any more';

type Reason = 'expired' | 'revoked' | undefined;
const endings: readonly [what: string, question: LiveQuestion, reason: Reason, words?: string][] = [
  ['a standing rule', BY_RULE, undefined],
  ['a grant', BY_GRANT, undefined],
  ['the grant, a millisecond before its end', { ...BY_GRANT, now: after(HOUR - 60_001) }, undefined],
  [
    'the grant has run out',
    { ...BY_GRANT, now: after(HOUR - 60_000) },
    'expired',
    'the access that was granted has run out',
  ],
  [
    'revoked',
    byGrant({ at: iso(-1), kind: 'revoked', by: person('lee') }),
    'revoked',
    'the access was revoked by a reviewer',
  ],
  [
    'returned',
    byGrant({ at: iso(-1), kind: 'returned', by: person('dana') }),
    'revoked',
    'the access was given back',
  ],
  ['used by this session', byGrant({ at: iso(-1), kind: 'used', session: SESSION }), undefined],
  [
    'used by another session',
    byGrant({ at: iso(-1), kind: 'used', session: idOf(8) }),
    'revoked',
    'the grant was for one session, and another one has used it',
  ],
  [
    'reviewed afterwards, which ends nothing',
    byGrant({ at: iso(-1), kind: 'reviewed', by: person('lee'), verdict: 'unjustified' }),
    undefined,
  ],
  ['the request is not there', { ...BY_GRANT, grants: [] }, 'revoked', NO_GRANT],
  ['the request was never granted', { ...BY_GRANT, grants: [requestOf()] }, 'revoked', NO_GRANT],
  [
    'only another grant is there',
    { ...BY_GRANT, grants: [grantedRequest({ id: idOf(2) })] },
    'revoked',
    NO_GRANT,
  ],
  [
    "the grant is somebody else's",
    { ...BY_GRANT, grants: [grantedRequest({ requester: person('eve') })] },
    'revoked',
    NO_GRANT,
  ],
  [
    'the rule is gone, and another would allow it',
    withPolicy(BY_GRANT, STANDING),
    'revoked',
    'the access rule or the target is gone',
  ],
  [
    'the target is gone',
    { ...BY_RULE, target: 'gone-db' },
    'revoked',
    'the access rule or the target is gone',
  ],
  [
    'the rule is not for the target any more',
    withPolicy(BY_RULE, STANDING.replace('orders-db', 'payroll-db')),
    'revoked',
    CHANGED,
  ],
  [
    'the rule is not for the group any more',
    withPolicy(BY_RULE, STANDING.replace('developers', 'others')),
    'revoked',
    CHANGED,
  ],
  [
    'the rule is not for connecting any more',
    withPolicy(BY_RULE, STANDING.replace('connect', 'replay')),
    'revoked',
    CHANGED,
  ],
  ['the rule wants a grant by now', withPolicy(BY_RULE, ASK.replace('ask', 'standing')), 'revoked', NO_GRANT],
  [
    'the rule wants the exact commands by now',
    withPolicy(BY_GRANT, ASK.replace('maxDuration', 'statements: exact, maxDuration')),
    'revoked',
    NO_GRANT,
  ],
  [
    'the rule wants no grant any more',
    withPolicy({ ...BY_GRANT, grants: [] }, STANDING.replace('standing', 'ask')),
    undefined,
  ],
  [
    'the rule denies by now',
    withPolicy(BY_RULE, `name: standing, groups: ['*'], targets: ['*'], deny: [connect]`),
    'revoked',
    'the access rule "standing" forbids it now',
  ],
  [
    'the rule denies by now, at another hour',
    withPolicy(
      BY_RULE,
      `name: standing, groups: ['*'], targets: ['*'], deny: [connect], when: { hours: { from: '20:00', to: '21:00', zone: UTC } }`,
    ),
    'revoked',
    CHANGED,
  ],
  [
    'a rule that denies was added',
    withPolicy(BY_RULE, STANDING, `name: stop, groups: ['*'], targets: [orders-db], deny: [connect]`),
    'revoked',
    'the access rule "stop" forbids it now',
  ],
  [
    'one that denies something else',
    withPolicy(BY_RULE, STANDING, `name: stop, groups: ['*'], targets: [orders-db], deny: [replay]`),
    undefined,
  ],
  [
    'disabled',
    { ...BY_RULE, policy: { ...BY_RULE.policy, disabled: [{ email: 'Dana@example.com' }] } },
    'revoked',
    'you may not use this gateway any more',
  ],
  [
    'somebody else is disabled',
    { ...BY_RULE, policy: { ...BY_RULE.policy, disabled: [{ subject: 'eve' }] } },
    undefined,
  ],
  ['the token has expired', { ...BY_RULE, now: after(2 * HOUR) }, undefined],
  [
    'the token has expired, and the session does not end with it',
    standing('session: { endsWithToken: false }', { now: after(2 * HOUR) }),
    undefined,
  ],
  [
    'the token is good, and the session ends with it',
    standing('session: { endsWithToken: true }'),
    undefined,
  ],
  [
    'the token has expired, and the session ends with it',
    standing('session: { endsWithToken: true }', { now: after(HOUR) }),
    'expired',
    'the token that opened this session has expired',
  ],
  ['the hours go on', standing(`when: { hours: { from: '09:00', to: '10:00', zone: UTC } }`), undefined],
  [
    'the hours are over',
    standing(`when: { hours: { from: '09:00', to: '10:00', zone: UTC } }`, { now: after(HOUR) }),
    'expired',
    'the hours of the access rule are over',
  ],
  ['the network is another by now', standing('when: { networks: [10.0.0.0/8] }'), 'revoked', CHANGED],
  ['the task is another', standing('when: { tasks: [deploy] }'), 'revoked', CHANGED],
  ['a device', standing('when: { device: bound }', { principal: { ...dana, device } }), undefined],
  ['no device', standing('when: { device: bound }'), 'revoked', CHANGED],
  [
    "the device's certificate is over",
    standing('when: { device: bound }', { principal: { ...dana, device }, now: after(HOUR) }),
    'expired',
    "the device's certificate has expired",
  ],
  [
    "a device's certificate is over, for a rule that asks for none",
    { ...BY_RULE, principal: { ...dana, device }, now: after(HOUR) },
    undefined,
  ],
  [
    'as long as it may, less a millisecond',
    standing('session: { maxDuration: 30s }', { now: after(-1) }),
    undefined,
  ],
  [
    'as long as it may',
    standing('session: { maxDuration: 30s }'),
    'expired',
    'the session has lasted as long as the rule allows',
  ],
  [
    'since nobody knows when',
    standing('session: { maxDuration: 30s }', { live: { ...BY_RULE.live, startedAt: new Date(Number.NaN) } }),
    'expired',
    'the session has lasted as long as the rule allows',
  ],
];

describe('endingOf', () => {
  it.each(endings)('%s (security case 12)', (_what, question, reason, words) => {
    const ending = endingOf(question);
    expect(ending?.reason).toBe(reason);
    expect(ending?.error.message).toBe(words);
    expect(ending?.error.code).toBe(reason === undefined ? undefined : `access-${reason}`);
    expect(ending?.error.hint).toBe(reason === undefined ? undefined : HINT);
  });

  it('says that it was taken away where time is over as well: that is what somebody did', () => {
    const hours = `when: { hours: { from: '20:00', to: '21:00', zone: UTC }, tasks: [deploy] }, session: { maxDuration: 1s }`;
    expect(endingOf(standing(hours))).toMatchObject({ reason: 'revoked', error: { message: CHANGED } });
    const disabled: Config = { ...BY_GRANT.policy, disabled: [{ subject: 'dana' }] };
    const both = { ...BY_GRANT, policy: disabled, now: after(HOUR) };
    expect(endingOf(both)).toMatchObject({ error: { message: 'you may not use this gateway any more' } });
  });

  it('is nothing exactly as long as decide would let the session go on', () => {
    const seen = { on: 0, over: 0 };
    fc.assert(
      fc.property(anyLiveQuestion, (question) => {
        const goesOn = Authorization.isOne(decide(question));
        const ending = endingOf(question);
        expect(ending === undefined).toBe(goesOn);
        expect(ending?.error.code).toBe(ending && `access-${ending.reason}`);
        seen[goesOn ? 'on' : 'over'] += 1;
      }),
      { numRuns: 3_000 },
    );
    expect(Math.min(seen.on, seen.over)).toBeGreaterThan(50);
  });

  it('lets a session that was opened go on for the moment, whatever opened it', () => {
    const seen = { on: 0 };
    fc.assert(
      fc.property(anyLiveQuestion, ({ live, ...opening }) => {
        const opened = decide(opening);
        if (!Authorization.isOne(opened)) return;
        const { rule, grant } = opened;
        const running = { session: live.session, rule, startedAt: NOW, ...(grant && { grant: grant.id }) };
        expect(endingOf({ ...opening, live: running })).toBeUndefined();
        seen.on += 1;
      }),
      { numRuns: 3_000 },
    );
    expect(seen.on).toBeGreaterThan(50);
  });
});

describe('a running session whose issuer left the configuration', () => {
  const ISSUERS = issuersOf();
  const [own] = ISSUERS;
  const twice = (...names: readonly string[]) => names.map((name) => ({ ...own!, name }));
  const ending = (issuers: Config['issuers'], issuerName = 'people') =>
    endingOf({
      ...BY_RULE,
      policy: { ...BY_RULE.policy, issuers },
      principal: { ...dana, issuerName },
    });

  it('goes on while the entry is there that vouched for it', () => {
    expect(ending(twice('people', 'contractors'))).toBeUndefined();
    expect(ending(twice('people'))).toBeUndefined();
  });

  it.each<[what: string, issuers: Config['issuers']]>([
    ['of which nothing is left', ISSUERS.slice(1)],
    ['that is there for others', twice('contractors')],
    ['whose name was given to another', [{ ...own!, name: 'people', issuer: 'https://b.example' }]],
  ])('ends in true words: %s', (_what, issuers) => {
    expect(ending(issuers)).toMatchObject({
      reason: 'revoked',
      error: { message: 'the identity provider of this session is not in the configuration any more' },
    });
  });
});
