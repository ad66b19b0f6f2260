import { describe, expect, it } from 'vitest';
import { Authorization, decide, type Question } from '#core/access/decide.ts';
import { explain } from '#core/access/explain.ts';
import { accessLeaf } from '#core/access/leaves.ts';
import { giveBack, judge, newDeviationRequest, newRequest, revoke, use } from '#core/access/lifecycle.ts';
import { newsOf } from '#core/access/news.ts';
import { type AccessRequest, digestOf, type Step, stateOf } from '#core/access/request.ts';
import type { Principal } from '#core/identity/principal.ts';
import { leafBytes } from '#core/ledger/leaf.ts';
import {
  agent,
  COMING,
  dana,
  deviationOf,
  digestIn,
  lee,
  mayAsk,
  owen,
  POLICY,
  RULES,
  RUN,
  SESSION,
  TASK,
  wishOf,
  workflowsOf,
} from './deviation-support.ts';
import { after, idOf, iso, NOW, policyOf, principal, thrownBy } from './support.ts';

const MINUTE = 60_000;

function asked(more: Parameters<typeof deviationOf>[0] = {}, by = mayAsk()): AccessRequest {
  return newDeviationRequest(by, deviationOf(more), idOf(1), NOW);
}

function approving(request: AccessRequest, who: Principal, policy = POLICY, now = NOW) {
  return decide({ policy, principal: who, action: 'approve', target: request.target, request, now });
}

function says(
  request: AccessRequest,
  who: Principal,
  verdict: 'approved' | 'denied' = 'approved',
  now = NOW,
): AccessRequest {
  const permission = approving(request, who, POLICY, now);
  if (!Authorization.isOne(permission)) throw new Error(permission.message);
  return and(request, judge(request, permission, verdict, undefined, now));
}

function and(request: AccessRequest, steps: readonly Step[]): AccessRequest {
  return { ...request, steps: [...request.steps, ...steps] };
}

describe('to ask whether a command may go on', () => {
  it('is for the session that waits, by its rule, as its task, and takes what the contract says', () => {
    const permission = mayAsk();
    expect(permission).toMatchObject({ rule: 'work', action: 'request' });
    expect(permission.review).toEqual({
      reviewers: { all: ['owners', 'leads'] },
      approvals: 1,
      pendingFor: 2 * MINUTE,
      maxDuration: 2 * MINUTE,
    });
    const request = asked();
    expect(request).toMatchObject({
      requester: { subject: 'agent-7' },
      target: 'orders-db',
      rule: 'work',
      policy: POLICY.version,
      durationMs: 2 * MINUTE,
      breakGlass: false,
      createdAt: iso(0),
      pendingUntil: iso(2 * MINUTE),
      steps: [],
    });
    expect(request.digest).toBe(digestOf(request));
  });

  const other = { ...wishOf().wish!.deviation! };
  const changed = policyOf(RULES, `${workflowsOf()}\n    description: another one`);
  it.each<[what: string, question: Partial<Question<'request'>>]>([
    ['no session', { live: undefined as never }],
    ['a session by another rule', { live: { session: SESSION, rule: 'ask', startedAt: NOW } }],
    ['no task', { context: {} }],
    ['another declaration', { context: { task: { ...COMING, digest: 'd'.repeat(64) } } }],
    ['another run', { context: { task: { ...COMING, run: idOf(9) } } }],
    ['another task', { context: { task: { ...COMING, task: 'solo' } } }],
    ['a workflow of another name', { context: { task: { ...COMING, workflow: 'other' } } }],
    ['a workflow that is another by now', { policy: changed }],
    [
      'a workflow that nobody has',
      { wish: { rule: 'work', deviation: { ...other, workflow: 'constructor' } } },
    ],
    [
      'a contract that stops',
      {
        context: { task: { ...COMING, task: 'report' } },
        wish: { rule: 'work', deviation: { ...other, task: 'report' } },
      },
    ],
    [
      'a task that there is not',
      {
        context: { task: { ...COMING, task: 'constructor' } },
        wish: { rule: 'work', deviation: { ...other, task: 'constructor' } },
      },
    ],
    ['a person that the rule is not for', { principal: lee }],
    ['a target of another rule', { target: 'payroll-db' }],
    [
      'a rule that denies it',
      {
        policy: policyOf(
          [...RULES, `name: no, groups: [agents], targets: ['*'], deny: [request]`],
          workflowsOf(),
        ),
      },
    ],
    [
      'somebody who is disabled',
      {
        policy: { ...POLICY, disabled: [{ subject: 'agent-7' }] as never },
      },
    ],
  ])('nobody is asked for %s', (_what, question) => {
    expect(decide(wishOf(question))).toMatchObject({ code: 'access-denied' });
  });

  it('is asked after the token’s time, as the session goes on after it', () => {
    const late = { ...agent, expiresAt: after(-1) };
    expect(Authorization.isOne(decide(wishOf({ principal: late })))).toBe(true);
    const { live: _live, ...without } = wishOf({ principal: late });
    expect(decide(without)).toMatchObject({ code: 'token-invalid' });
  });

  it('of another task is not made with this permission', () => {
    for (const more of [{ run: idOf(9) }, { task: 'solo' }, { workflow: 'other' }])
      expect(thrownBy(() => asked(more))).toMatchObject({ code: 'internal' });
  });
});

describe('a command that waits', () => {
  it('goes on when the contract’s reviewers have said so: of each group one, within the wait', () => {
    const once = says(asked(), lee);
    expect(stateOf(once, NOW)).toBe('pending');
    const granted = says(once, owen);
    expect(granted.steps.map(({ kind }) => kind)).toEqual(['approved', 'approved', 'granted']);
    expect(granted.steps.at(-1)).toEqual({ at: iso(0), kind: 'granted', until: iso(2 * MINUTE) });
    expect(stateOf(asked(), after(2 * MINUTE))).toBe('expired');
  });

  it('one person counts once, whatever groups they are in (security case 11)', () => {
    const both = principal('both', ['owners', 'leads'], { email: 'both@example.com' });
    const again = principal('both-2', ['owners'], { email: 'BOTH@example.com' });
    const once = says(asked(), both);
    expect(says(once, both).steps).toEqual(once.steps);
    expect(stateOf(says(once, again), NOW)).toBe('pending');
    expect(stateOf(says(once, lee), NOW)).toBe('granted');
  });

  it.each<[who: string, by: Principal]>([
    ['the reviewers of a rule of the target', principal('r', ['reviewers'])],
    ['who administers', principal('adam', ['admins'])],
    ['who asked, in whatever groups', principal('agent-7', ['owners', 'leads'])],
    [
      'an agent for a reviewer',
      principal('lee', ['leads'], { actors: [{ issuer: lee.issuer, subject: 'bot' }] }),
    ],
  ])('is not decided by %s (security cases 11, 14)', (_who, by) => {
    expect(approving(asked(), by)).toMatchObject({ code: 'access-denied' });
  });

  it('of an agent is decided neither by the person nor by the agent (security case 11)', () => {
    const actors = [{ issuer: dana.issuer, subject: 'bot-1' }];
    const acting = { ...dana, actors };
    const live = { session: SESSION, rule: 'acts', startedAt: NOW };
    const { deviation } = wishOf().wish!;
    const by = mayAsk({ principal: acting, live, wish: { rule: 'acts', deviation: deviation! } });
    const request = asked({}, by);
    expect(request.requester.actors).toEqual(actors);
    for (const who of [{ ...dana, groups: ['owners', 'leads'] }, principal('bot-1', ['owners', 'leads'])])
      expect(approving(request, who)).toMatchObject({ code: 'access-denied' });
    expect(Authorization.isOne(approving(request, lee))).toBe(true);
  });

  it('is decided by no machine where everybody reviews', () => {
    const live = wishOf();
    const task = { ...COMING, task: 'solo' };
    const deviation = { ...live.wish!.deviation!, task: 'solo' };
    const by = mayAsk({ context: { task }, wish: { rule: 'work', deviation } });
    const request = asked({ task: 'solo' }, by);
    const anybody = principal('anybody', []);
    expect(Authorization.isOne(approving(request, anybody))).toBe(true);
    expect(approving(request, { ...anybody, workload: true })).toMatchObject({ code: 'access-denied' });
  });

  it('is decided by nobody once the workflow, its task or the rule is another, or a rule denies it', () => {
    const request = asked();
    const contract = { code: 'access-denied' };
    const policies = [
      policyOf(RULES, `${workflowsOf()}\n    description: another one`),
      policyOf(RULES, workflowsOf('ask: { reviewers: { any: [leads] } }')),
      policyOf([`name: work, groups: [agents], targets: [orders-db], allow: [connect]`]),
      policyOf(RULES.slice(1), workflowsOf()),
      policyOf([...RULES, `name: no, groups: [leads], targets: [orders-db], deny: [approve]`], workflowsOf()),
    ];
    for (const policy of policies) expect(approving(request, lee, policy)).toMatchObject(contract);
    const question = {
      policy: policies[0]!,
      principal: lee,
      action: 'approve',
      target: 'orders-db',
      request,
      now: NOW,
    };
    const { rules } = explain(question as Question<'approve'>);
    expect(rules.find(({ rule }) => rule === 'work')?.because[0]).toMatch(/contract asks nobody by now/);
  });

  it('is not decided by permission for another target (security case 14)', () => {
    const request = asked();
    const question = { policy: POLICY, principal: lee, target: 'payroll-db', request, now: NOW } as const;
    expect(decide({ ...question, action: 'approve' })).toMatchObject({ code: 'access-denied' });
  });

  it('is decided no more at the moment at which its time is over', () => {
    const [just, over] = [after(2 * MINUTE - 1), after(2 * MINUTE)];
    const once = says(asked(), lee);
    const granted = says(once, owen, 'approved', just);
    expect(stateOf(granted, over)).toBe('granted');
    expect(thrownBy(() => says(once, owen, 'approved', over))).toMatchObject({ code: 'conflict' });
  });
});

describe('security case 23: what was approved for one command', () => {
  const granted = says(says(asked(), lee), owen);

  it('is used once, by the session that waited with it', () => {
    expect(thrownBy(() => use(granted, idOf(42), NOW))).toEqual({
      code: 'conflict',
      message: 'the grant is for a command of another session',
    });
    const used = and(granted, use(granted, SESSION, NOW));
    expect(stateOf(used, NOW)).toBe('used');
    expect(stateOf(used, after(3 * MINUTE))).toBe('ended');
    expect(use(used, SESSION, NOW)).toEqual([]);
  });

  it('is not used before it is granted, once it is over, or after it was taken back', () => {
    const leads = approving(granted, lee) as Authorization<'approve'>;
    const gone = [
      [asked(), NOW],
      [says(asked(), lee, 'denied'), NOW],
      [granted, after(2 * MINUTE)],
      [and(granted, giveBack(granted, agent, NOW)), NOW],
      [and(granted, revoke(granted, leads, undefined, NOW)), NOW],
    ] as const;
    for (const [request, now] of gone)
      expect(thrownBy(() => use(request, SESSION, now))).toMatchObject({ code: 'conflict' });
  });

  it('opens no session, by no rule that wants a grant', () => {
    const ask = { ...granted, rule: 'ask', requester: { issuer: dana.issuer, subject: 'dana' } };
    const question = {
      policy: POLICY,
      principal: dana,
      action: 'connect',
      target: 'orders-db',
      now: NOW,
    } as const;
    expect(decide({ ...question, grants: [ask] })).toMatchObject({ code: 'approval-required' });
    const { deviation: _deviation, ...plain } = ask;
    expect(decide({ ...question, grants: [plain] })).toMatchObject({ grant: { id: granted.id } });
  });
});

describe('what becomes known of a command that waits', () => {
  it('is in the ledger by run and session, without its text, and small', () => {
    const leaf = accessLeaf(asked({ command: { sha256: 'e'.repeat(64), text: 'x'.repeat(65_536) } }), 0);
    expect(leaf).toMatchObject({ kind: 'access-requested', run: RUN, session: SESSION });
    expect(leafBytes(leaf).byteLength).toBeLessThan(700);
  });

  it('is in the news with the command, as much of it as one looks at', () => {
    const news = (text: string) => newsOf(asked({ command: { sha256: 'e'.repeat(64), text } }), 0);
    expect(news('delete from orders')).toMatchObject({
      kind: 'access-requested',
      deviation: { ...TASK, session: SESSION, command: { text: 'delete from orders', isWhole: true } },
    });
    const { deviation } = news('😀'.repeat(1001));
    expect(deviation?.command).toEqual({ sha256: 'e'.repeat(64), text: '😀'.repeat(1000), isWhole: false });
  });
});

describe('a grant for a run', () => {
  const run = { id: RUN, workflow: 'refunds', workflowDigest: digestIn(POLICY) };
  const grants = (more: Partial<AccessRequest>): readonly AccessRequest[] => [
    {
      ...asked(),
      deviation: undefined as never,
      rule: 'ask',
      requester: { issuer: dana.issuer, subject: 'dana' },
      steps: [{ at: iso(-1), kind: 'granted', until: iso(MINUTE) }],
      ...more,
    },
  ];
  const connecting = (task: object | undefined, more: Partial<AccessRequest>) =>
    decide({
      policy: policyOf([RULES[1]!], workflowsOf()),
      principal: dana,
      action: 'connect',
      target: 'orders-db',
      context: task === undefined ? {} : { task: task as never },
      grants: grants(more),
      now: NOW,
    });

  it.each<[what: string, task: object | undefined, more: Partial<AccessRequest>, allowed: boolean]>([
    ['any session has one for none', undefined, {}, true],
    ['a task has one for none', COMING, {}, true],
    ['its run', COMING, { run }, true],
    ['its task', COMING, { run: { ...run, task: 'refund' } }, true],
    ['no task', undefined, { run }, false],
    ['another run', { ...COMING, run: idOf(9) }, { run }, false],
    ['another declaration of the workflow', { ...COMING, digest: 'd'.repeat(64) }, { run }, false],
    ['another workflow', { ...COMING, workflow: 'other' }, { run }, false],
    ['another task', { ...COMING, task: 'solo' }, { run: { ...run, task: 'refund' } }, false],
  ])('is for %s (security case 23)', (_what, task, more, allowed) => {
    expect(Authorization.isOne(connecting(task, more))).toBe(allowed);
  });

  describe('where the rule wants one', () => {
    const rule = `name: ask, groups: [developers], targets: [orders-db], allow: [connect], approval: { reviewers: { any: [leads] }, maxDuration: 4h, reason: optional, for: run }`;
    const policy = policyOf([rule], workflowsOf());
    const question = { policy, principal: dana, target: 'orders-db', now: NOW } as const;

    it('is not asked for without', () => {
      const permission = decide({ ...question, action: 'request' });
      if (!Authorization.isOne(permission)) throw new Error(permission.message);
      expect(thrownBy(() => newRequest(permission, {}, idOf(1), NOW))).toEqual({
        code: 'format-invalid',
        message: 'this access needs a run of a workflow',
      });
      const request = newRequest(permission, { run }, idOf(1), NOW);
      expect([request.run, request.digest]).toEqual([run, digestOf(request)]);
      expect(accessLeaf(request, 0)).toMatchObject({ run: RUN });
      expect(newsOf(request, 0)).toMatchObject({ run });
    });

    it('one that is for none is of a rule that was (security case 23)', () => {
      const connecting = (more: Partial<AccessRequest>) =>
        decide({ ...question, action: 'connect', context: { task: COMING }, grants: grants(more) });
      expect(connecting({})).toMatchObject({
        code: 'approval-required',
        hint: expect.stringContaining(`custody request orders-db --run ${RUN} `) as string,
      });
      expect(connecting({ run })).toMatchObject({ grant: { id: idOf(1) } });
    });
  });
});
