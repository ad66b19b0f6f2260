import { describe, expect, it } from 'vitest';
import { type Config, parseConfig } from '#core/access/config.ts';
import { AccessDesk } from '#core/access/desk.ts';
import { PolicyInForce } from '#core/access/policy.ts';
import type { Step } from '#core/access/request.ts';
import { CustodyError } from '#core/errors.ts';
import type { ProvedKey } from '#core/identity/credential.ts';
import { deviceStanding } from '#core/identity/devices/standing.ts';
import { logoutStanding, markedLogout } from '#core/identity/logouts.ts';
import type { Principal } from '#core/identity/principal.ts';
import { anyStanding } from '#core/identity/standing.ts';
import { TokenFailures } from '#core/identity/token-failures.ts';
import { refusedToken, unprovenToken } from '#core/identity/token-refusals.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import { RefusalCounter } from '#core/status/refusals.ts';
import { Admission, type Visitor } from '#proxy/admission.ts';
import { WaitingRoom } from '#proxy/waiting-room.ts';
import { device } from '#test/contract/devices.ts';
import { rawToken } from '#test/support/issuer.ts';
import { MemoryAccess } from '#test/support/memory-access.ts';
import { MemoryDevices } from '#test/support/memory-devices.ts';
import { MemoryLogouts } from '#test/support/memory-logouts.ts';
import { MemoryLeaves } from '#test/support/memory-ports.ts';
import { MemoryRuns } from '#test/support/memory-runs.ts';
import { Rounds } from '#test/support/rounds.ts';
import { compiledConfig, RUN_KEY, refunds, runOf } from '#test/support/workflows.ts';

const NOW = Date.parse('2026-11-23T09:00:00.000Z');
const by = (subject: string) => ({ issuer: 'https://id.example', subject });
const policy = (wait = '', more = ''): Config =>
  parseConfig(
    `version: 1
identity: { issuer: "https://id.example", audience: c }
targets:
  db: { protocol: postgres, address: "db:5432", database: d, credential: { user: u, passwordFile: p } }
  free: { protocol: postgres, address: "db:5432", database: d, credential: { user: u, passwordFile: p } }
rules:
  - { name: work, groups: [developers], targets: [free], allow: [connect], when: { networks: [192.0.2.0/24] } }
  - name: ask
    groups: [developers]
    ${more === '' ? '' : 'actor: any'}
    targets: [db]
    allow: [connect]
    approval: { reviewers: { any: [r] }, maxDuration: 4h, pendingFor: 8h ${wait} }
`,
    'c',
  );

/** A door where each pause moves the clock and lets the test do something. `through`: what calls of its ports go through. */
function door(config = policy(), through: <T extends object>(port: T) => T = (port) => port) {
  const store = through(new MemoryAccess());
  const logouts = through(new MemoryLogouts());
  const runs = through(new MemoryRuns());
  const devices = through(new MemoryDevices());
  const leaves = new MemoryLeaves();
  const clock = { ms: NOW };
  const during: ((pauses: number) => Promise<void> | void)[] = [];
  let ids = 0;
  let pauses = 0;
  const wallClock = (): Date => new Date(clock.ms);
  const stream = { tell: async () => undefined };
  const newId = (now: Date): string => newSessionId(now.getTime() + (ids += 1), new Uint8Array(10));
  const refusals = new RefusalCounter('gateway', wallClock);
  const admission = new Admission({
    policy: new PolicyInForce(config, {
      read: async () => config,
      adopt: async () => undefined,
      now: wallClock,
    }),
    verifier: () => ({ verify }),
    standing: anyStanding(
      logoutStanding(logouts, () => config.issuers),
      deviceStanding(devices),
    ),
    failures: new TokenFailures(() => clock.ms),
    refusals,
    devices,
    requests: store,
    runs,
    desk: new AccessDesk({ requests: store, leaves, stream, now: wallClock, newId }),
    waitingRoom: new WaitingRoom(),
    requestUrl: (id) => `https://custody.example/${id}`,
    wallClock,
    pause: async (ms) => {
      clock.ms += ms;
      pauses += 1;
      for (const happen of during) await happen(pauses);
    },
  });
  return { admission, store, runs, logouts, devices, leaves, clock, during, refusals };
}

async function verify(token: string, device?: ProvedKey): Promise<Principal> {
  if (token === 'expired') throw refusedToken('it expired 5 min ago');
  if (!token.startsWith('dana')) throw unprovenToken('its signature is wrong');
  const expiresAt = new Date(NOW + 3_600_000);
  const [person, actor] = token.split('/')[0]!.split(' ') as [string, string?];
  const acted = actor === undefined ? {} : { actors: [by(actor)] };
  return {
    ...by(person),
    ...acted,
    groups: [token.split('/')[1] ?? 'developers'],
    expiresAt,
    ...(device === undefined ? {} : { device }),
  };
}

function visitor(target: string, more: { token?: string; network?: string; reason?: string } = {}) {
  const told: string[] = [];
  const clock: string[] = [];
  const greeting = {
    target,
    credential: { kind: 'token' as const, token: more.token ?? 'dana' },
    client: {},
    ask: more.reason === undefined ? {} : { reason: more.reason },
    gone: false,
    known: 0,
    identified: () => void (greeting.known += 1),
    notify: (message: string, hint: string) => void told.push(`${message} | ${hint}`),
  };
  const made = {
    greeting,
    protocol: 'postgres',
    network: more.network ?? '192.0.2.1',
    clock: { stop: () => void clock.push('stop'), restart: () => void clock.push('restart') },
  };
  return { at: made as unknown as Visitor, greeting, told, clock };
}

const approve = (until = NOW + 3_600_000): Step[] => {
  const at = new Date(NOW).toISOString();
  return [
    { at, kind: 'approved', by: by('rui'), groups: ['r'] },
    { at, kind: 'granted', until: new Date(until).toISOString() },
  ];
};

describe('who comes to the gateway', () => {
  it('is let in by a rule, from where the rule says (security case 19)', async () => {
    const { admission } = door();
    expect(await admission.admit(visitor('free').at)).toMatchObject({ rule: 'work', grant: undefined });
    const elsewhere = visitor('free', { network: '198.51.100.1' }).at;
    await expect(admission.admit(elsewhere)).rejects.toMatchObject({ code: 'access-denied' });
  });

  it('asks one thing after another once by a rule, and twice on a grant', async () => {
    const rounds = new Rounds();
    const { admission, store, during } = door(policy(', wait: 1m'), (port) => rounds.wrap(port));
    expect(await rounds.of(admission.admit(visitor('free').at))).toBe(1);
    const approved = () => store.append([...store.requests.keys()][0]!, 0, approve());
    during.push((pauses) => (pauses === 1 ? approved() : undefined));
    await rounds.of(admission.admit(visitor('db', { reason: 'x' }).at));
    expect(await rounds.of(admission.admit(visitor('db').at))).toBe(2);
  });

  it('is known from the moment that its token is good, whatever it may then not do', async () => {
    const { admission } = door();
    const [refused, bad] = [visitor('db'), visitor('free', { token: 'x' })];
    await expect(admission.admit(refused.at)).rejects.toMatchObject({ code: 'approval-required' });
    await expect(admission.admit(bad.at)).rejects.toMatchObject({ code: 'token-invalid' });
    expect([refused.greeting.known, bad.greeting.known]).toEqual([1, 0]);
  });

  it('is told how to ask, and makes no request by coming, unless the rule says so', async () => {
    const { admission, store } = door();
    const { at, told } = visitor('db', { reason: 'x' });
    await expect(admission.admit(at)).rejects.toMatchObject({
      code: 'approval-required',
      hint: expect.stringContaining('custody request db') as string,
    });
    expect([store.requests.size, told]).toEqual([0, []]);
  });

  it('is not looked at any more after twenty bad tokens; a good one of another address is', async () => {
    const { admission, refusals } = door();
    for (let n = 0; n < 20; n += 1) {
      await expect(admission.admit(visitor('free', { token: 'x' }).at)).rejects.toMatchObject({
        code: 'token-invalid',
      });
    }
    await expect(admission.admit(visitor('free').at)).rejects.toMatchObject({ code: 'too-many-failures' });
    await admission.admit(visitor('free', { network: '192.0.2.2' }).at);
    expect(refusals.counts().map(({ door: at, code, count }) => [at, code, count])).toEqual([
      ['gateway', 'token-invalid', 20],
      ['gateway', 'too-many-failures', 1],
    ]);
  });

  it('is looked at however often it shows a genuine token that has expired, and so are its colleagues', async () => {
    const { admission } = door();
    for (let n = 0; n < 300; n += 1) {
      await expect(admission.admit(visitor('free', { token: 'expired' }).at)).rejects.toMatchObject({
        code: 'token-invalid',
      });
    }
    await admission.admit(visitor('free').at);
  });

  it('goes in again from where it was before, whoever makes up names there meanwhile', async () => {
    const { admission } = door();
    await admission.admit(visitor('free').at);
    for (let n = 0; n < 200; n += 1) {
      const token = rawToken({ kid: 'key-1' }, { sub: `made-up-${n}` });
      await expect(admission.admit(visitor('free', { token }).at)).rejects.toMatchObject({
        code: 'token-invalid',
      });
    }
    await admission.admit(visitor('free').at);
    const unknown = visitor('free', { token: rawToken({ kid: 'key-1' }, { sub: 'sam' }) }).at;
    await expect(admission.admit(unknown)).rejects.toMatchObject({ code: 'too-many-failures' });
  });

  it('goes in beside a colleague who keeps showing one bad token', async () => {
    const { admission } = door();
    const bad = rawToken({ kid: 'key-1' }, { sub: 'pool' });
    for (let n = 0; n < 30; n += 1)
      await expect(admission.admit(visitor('free', { token: bad }).at)).rejects.toMatchObject({
        code: n < 20 ? 'token-invalid' : 'too-many-failures',
      });
    await admission.admit(visitor('free').at);
  });
});

describe('who waits at the gateway', () => {
  const waiting = (): ReturnType<typeof door> => door(policy(', wait: 10s'));

  it('is told so, waits without the login’s clock, and comes in once it is granted', async () => {
    const { admission, store, during, leaves } = waiting();
    during.push(async (pauses) => {
      const [request] = [...store.requests.values()];
      if (pauses === 3) await store.append(request!.id, 0, approve());
    });
    const { at, told, clock } = visitor('db', { reason: 'a bug' });
    const permission = await admission.admit(at);
    const [request] = [...store.requests.values()];
    expect(permission.grant).toMatchObject({ id: request!.id, digest: request!.digest });
    expect(told).toEqual([
      `access to "db" needs an approval: request ${request!.id} waits for reviewers | this connection waits up to 10 s; ` +
        `reviewers decide with: custody approve ${request!.id}; see https://custody.example/${request!.id}`,
    ]);
    expect(clock).toEqual(['stop', 'restart']);
    await admission.claim(permission, newSessionId(NOW, new Uint8Array(10)));
    const kinds = [...leaves.added].map((leaf) => (JSON.parse(leaf) as { kind: string }).kind);
    expect(kinds).toEqual(['access-requested', 'access-decided', 'access-granted']);
  });

  it.each<[what: string, steps: Step[], message: string]>([
    [
      'denied',
      [{ at: new Date(NOW).toISOString(), kind: 'denied', by: by('rui'), groups: ['r'] }],
      'was denied',
    ],
    ['withdrawn', [{ at: new Date(NOW).toISOString(), kind: 'withdrawn', by: by('dana') }], 'was withdrawn'],
  ])('is refused once it is %s', async (_what, steps, message) => {
    const { admission, store, during } = waiting();
    during.push(async (pauses) => {
      if (pauses === 1) await store.append([...store.requests.keys()][0]!, 0, steps);
    });
    const refused = admission.admit(visitor('db', { reason: 'x' }).at);
    await expect(refused).rejects.toMatchObject({
      code: 'access-denied',
      message: expect.stringContaining(message) as string,
    });
  });

  it('is refused when the time is over, keeps the request, and finds it again', async () => {
    const { admission, store } = waiting();
    for (let n = 0; n < 2; n += 1) {
      const { at, clock } = visitor('db', { reason: 'x' });
      await expect(admission.admit(at)).rejects.toMatchObject({
        code: 'approval-required',
        hint: expect.stringContaining('connect again when it is approved') as string,
      });
      expect(clock).toEqual(['stop', 'restart']);
    }
    expect(store.requests.size).toBe(1);
  });

  it('is an agent for itself: it neither joins nor waits for the request of whom it acts for', async () => {
    const { admission, store } = door(policy(', coversActors: true, wait: 10s', 'for actors'));
    const visit = (token: string) =>
      admission.admit(visitor('db', { reason: 'x', token }).at).catch(() => undefined);
    await Promise.all(['dana', 'dana agent-7', 'dana agent-7'].map(visit));
    await visit('dana');
    await visit('dana agent-8');
    const actors = [...store.requests.values()].map(({ requester }) => requester.actors?.[0]?.subject);
    expect(actors).toHaveLength(3);
    expect(new Set(actors)).toEqual(new Set(['agent-7', 'agent-8', undefined]));
  });

  it('asks by the rule that it may use, whatever another token of the same person may', async () => {
    const config = policy(', wait: 30s');
    const rule = {
      ...config.rules.find(({ name }) => name === 'ask')!,
      name: 'ask-too',
      groups: ['writers'],
    };
    const { admission, store } = door({ ...config, rules: [...config.rules, rule] });
    const visits = ['dana', 'dana/writers'].map((token) =>
      admission.admit(visitor('db', { reason: 'x', token }).at).catch(() => undefined),
    );
    await Promise.all(visits);
    const { requests } = await store.list({ limit: 5 });
    expect(requests.map((one) => one.rule).toSorted()).toEqual(['ask', 'ask-too']);
  });

  it('makes one request with all its connections', async () => {
    const { admission, store } = waiting();
    const all = Array.from({ length: 20 }, () => admission.admit(visitor('db', { reason: 'x' }).at));
    await Promise.allSettled(all);
    expect(store.requests.size).toBe(1);
    await admission.admit(visitor('db', { reason: 'x', token: 'dana2' }).at).catch(() => undefined);
    expect(store.requests.size).toBe(2);
  });

  it('leaves, or is sent away by a gateway that stops', async () => {
    const { admission, during } = waiting();
    const gone = visitor('db', { reason: 'x' });
    during.push((pauses) => {
      if (pauses === 1) gone.greeting.gone = true;
      if (pauses === 3) admission.close(new CustodyError('draining', 'this gateway is shutting down'));
    });
    await expect(admission.admit(gone.at)).rejects.toMatchObject({
      message: 'the client went away while it waited',
    });
    await expect(admission.admit(visitor('db', { reason: 'x' }).at)).rejects.toMatchObject({
      code: 'draining',
    });
  });

  it.each([
    ['with what a terminal obeys', 'a \u001b[2J bug'],
    ['in another direction', 'a \u202e bug'],
    ['with what nobody sees', 'a\u200b bug'],
    ['of blanks', '   '],
    ['too long', 'x'.repeat(1_001)],
  ])('makes no request for a reason %s, as the API would not (security case 18)', async (_how, reason) => {
    const { admission, store } = door(policy(', wait: 2m'));
    const at = visitor('db', { reason }).at;
    await expect(admission.admit(at)).rejects.toMatchObject({
      code: 'approval-required',
      message: expect.stringMatching(/^access to "db" needs an approval, and of custody\.reason /) as string,
    });
    expect((await store.list({ limit: 10 })).requests).toEqual([]);
  });

  it('gives its reason as the API takes it', async () => {
    const { admission, store, during } = door(policy(', wait: 2m'));
    during.push(async () => {
      const [request] = (await store.list({ limit: 1 })).requests;
      if (request!.steps.length === 0) await store.append(request!.id, 0, approve());
    });
    await admission.admit(visitor('db', { reason: '  a bug\n' }).at);
    expect((await store.list({ limit: 10 })).requests).toMatchObject([{ reason: 'a bug' }]);
  });

  it('is told what is missing where the rule wants a reason and it gives none', async () => {
    const { admission, store } = waiting();
    await expect(admission.admit(visitor('db').at)).rejects.toMatchObject({
      code: 'approval-required',
      message: 'access to "db" needs an approval, and this access needs a reason',
    });
    expect(store.requests.size).toBe(0);
  });
});

describe('who was logged out at the identity provider', () => {
  const listening = (wait = ''): Config => {
    const config = policy(wait);
    return { ...config, issuers: config.issuers.map((issuer) => ({ ...issuer, backchannelLogout: true })) };
  };
  const logout = markedLogout({ ...by('dana'), at: new Date(NOW), token: 'a'.repeat(64) });
  const refusal = {
    code: 'access-revoked',
    message: 'you were logged out at the identity provider',
    hint: 'log in again: custody login',
  };

  it('is refused with the token of before, told to log in again, and counts for no guess (security case 12)', async () => {
    const { admission, logouts } = door(listening());
    await logouts.take(logout);
    const refused = visitor('free');
    for (let n = 0; n < 25; n += 1) await expect(admission.admit(refused.at)).rejects.toMatchObject(refusal);
    expect(refused.greeting.known).toBe(0);
    await admission.admit(visitor('free', { token: 'dana2' }).at);
  });

  it('is refused also where that happened while they waited for reviewers', async () => {
    const { admission, store, logouts, during } = door(listening(', wait: 10s'));
    during.push(async (pauses) => {
      if (pauses === 1) await logouts.take(logout);
      if (pauses === 3) await store.append([...store.requests.keys()][0]!, 0, approve());
    });
    await expect(admission.admit(visitor('db', { reason: 'x' }).at)).rejects.toMatchObject(refusal);
  });

  it('is refused where nobody can see it', async () => {
    const { admission, logouts } = door(listening());
    logouts.newest = () => Promise.reject(new CustodyError('store-unavailable', 'away'));
    await expect(admission.admit(visitor('free').at)).rejects.toMatchObject({ code: 'store-unavailable' });
  });
});

describe('a grant for one session', () => {
  it('is claimed by one of many that come at once (security case 23)', async () => {
    const { admission, store } = door();
    const wait = door(policy(', wait: 10s'));
    wait.during.push(async () => {
      const [request] = [...wait.store.requests.values()];
      if (request!.steps.length === 0) await wait.store.append(request!.id, 0, approve());
    });
    await wait.admission.admit(visitor('db', { reason: 'x' }).at);
    const [granted] = [...wait.store.requests.values()];
    await store.create({ ...granted!, statements: [{ sha256: 'a'.repeat(64), text: 'select 1' }] });
    const permissions = await Promise.all([1, 2, 3].map(() => admission.admit(visitor('db').at)));
    const claims = permissions.map((permission, n) =>
      admission.claim(permission, newSessionId(NOW, Buffer.alloc(10, n))),
    );
    const settled = await Promise.allSettled(claims);
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await expect(admission.admit(visitor('db').at)).rejects.toMatchObject({ code: 'approval-required' });
  });
});

describe('a key that was revoked', () => {
  it('keeps whoever shows it out, though no rule asks for a device (security case 12)', async () => {
    const { admission, devices } = door();
    const { id, owner } = device(1);
    devices.items.set(id, { device: device(1), told: 1 });
    const at = visitor('free');
    Object.assign(at.greeting, { device: { key: id, proof: 'tls-certificate' } satisfies ProvedKey });
    const { context } = await admission.admit(at.at);
    expect(context.device?.registered).toMatchObject({ id, name: 'key 1' });
    await devices.append(id, 0, { at: new Date(NOW).toISOString(), kind: 'revoked', by: owner });
    await expect(admission.admit(at.at)).rejects.toMatchObject({ code: 'access-revoked' });
    await admission.admit(visitor('free').at);
  });
});

describe('who comes to the gateway as a task of a run', () => {
  const file = compiledConfig(`version: 1
identity: { issuer: "https://id.example", audience: c }
targets:
  db: { protocol: postgres, address: "db:5432", database: d, credential: { user: u, passwordFile: p } }
rules:
  - { name: by-task, groups: [developers], targets: [db], allow: [connect], when: { task: refunds/find } }
  - name: by-approval
    groups: [developers]
    targets: [db]
    allow: [connect]
    when: { task: refunds/* }
    approval: { reviewers: { any: [r] }, maxDuration: 4h, wait: 1m }
${refunds({ by: '{ groups: [developers] }' })}`);
  const workflow = file.compiled.get('refunds')!;

  async function coming(task: string, kept?: string) {
    const all = door(file);
    const run = await all.runs.create(runOf(workflow, new Date(NOW)), RUN_KEY);
    const session = newSessionId(NOW, Buffer.alloc(10, 3));
    const at = new Date(NOW).toISOString();
    if (kept !== undefined)
      await all.runs.append(run.id, 0, [
        { at, kind: 'task-started', task: kept, session },
        { at, kind: 'task-ended', task: kept, session, verdict: 'kept', result: 'd'.repeat(64) },
      ]);
    const visit = visitor('db', { reason: 'two were paid twice' });
    Object.assign(visit.greeting, { task: { run: run.id, task } });
    return { ...all, run, at: visit.at };
  }

  it('is let in by the rule for that task, which its permission names', async () => {
    const { admission, at, run } = await coming('find');
    const permission = await admission.admit(at);
    expect(permission.rule).toBe('by-task');
    expect(permission.context.task).toEqual({
      run: run.id,
      workflow: 'refunds',
      digest: workflow.digest,
      task: 'find',
    });
  });

  it('is never let in as none where it may not be the task that it names', async () => {
    const { admission, at, runs } = await coming('refund');
    await expect(admission.admit(at)).rejects.toMatchObject({ code: 'task-refused' });
    runs.fail = new CustodyError('store-unavailable', 'no runs');
    await expect(admission.admit(at)).rejects.toMatchObject({ code: 'store-unavailable' });
  });

  it('asks for that task of that run alone, where an approval is needed', async () => {
    const { admission, at, store, during, run } = await coming('refund', 'find');
    during.push(async () => {
      const { requests } = await store.list({ limit: 10 });
      await store.append(requests[0]!.id, 0, approve());
    });
    const permission = await admission.admit(at);
    expect(permission.rule).toBe('by-approval');
    expect((await store.get(permission.grant!.id)).run).toEqual({
      id: run.id,
      workflow: 'refunds',
      workflowDigest: workflow.digest,
      task: 'refund',
    });
  });
});
