import { describe, expect, it } from 'vitest';
import { BLIND_MS } from '#core/access/blind.ts';
import type { ComingTask } from '#core/access/conditions.ts';
import { type Config, parseConfig } from '#core/access/config.ts';
import { PolicyInForce } from '#core/access/policy.ts';
import { type AccessRequest, digestOf, type Step } from '#core/access/request.ts';
import { CustodyError } from '#core/errors.ts';
import { logoutStanding, markedLogout } from '#core/identity/logouts.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import { endRun } from '#core/tasks/run-lifecycle.ts';
import { Moderation } from '#proxy/moderation.ts';
import { LOOK_EVERY_MS, SessionWatch, type Watched } from '#proxy/session-watch.ts';
import { MemoryAccess } from '#test/support/memory-access.ts';
import { MemoryLogouts } from '#test/support/memory-logouts.ts';
import { MemoryRuns } from '#test/support/memory-runs.ts';
import { Rounds } from '#test/support/rounds.ts';
import { compiledConfig, RUN_KEY, refunds, runOf } from '#test/support/workflows.ts';

const NOW = Date.parse('2026-11-23T09:00:00.000Z');
const at = (seconds: number): string => new Date(NOW + seconds * 1000).toISOString();
const dana = { issuer: 'https://id.example', subject: 'dana' };
const rui = { issuer: 'https://id.example', subject: 'rui', email: 'rui@example.com' };

const policy = (rules: string): Config =>
  parseConfig(
    `version: 1
identity: { issuer: "https://id.example", audience: c }
targets:
  db: { protocol: postgres, address: "db:5432", database: d, credential: { user: u, passwordFile: p } }
rules: [${rules}]
`,
    'c',
  );
const STANDING = '{ name: work, groups: [developers], targets: [db], allow: [connect] }';
const LISTENING: Config = {
  ...policy(STANDING),
  issuers: policy(STANDING).issuers.map((issuer) => ({ ...issuer, backchannelLogout: true })),
};
const ASK =
  '{ name: ask, groups: [developers], targets: [db], allow: [connect], approval: { reviewers: { any: [r] }, maxDuration: 4h } }';

function request(n: number, ...steps: Step[]): AccessRequest {
  const question = {
    requester: dana,
    target: 'db',
    rule: 'ask',
    policy: 'p',
    durationMs: 60_000,
    breakGlass: false,
    createdAt: at(0),
    pendingUntil: at(60),
  };
  return { ...question, id: newSessionId(NOW + n, Buffer.alloc(10, n)), digest: digestOf(question), steps };
}

/** A watch over sessions in memory, whose clocks a test moves. */
function stand(config = policy(`${STANDING}, ${ASK}`)) {
  const store = new MemoryAccess();
  const logouts = new MemoryLogouts();
  const runs = new MemoryRuns();
  const clock = { ms: 0 };
  const troubles: CustodyError[] = [];
  const live = new Set<Watched>();
  const ended: string[] = [];
  const notes: string[] = [];
  let next = config;
  const inForce = new PolicyInForce(config, {
    read: async () => next,
    adopt: async () => undefined,
    now: () => new Date(NOW),
  });
  const ports = {
    policy: inForce,
    requests: store,
    terminations: store,
    presence: store,
    runs,
    standing: logoutStanding(logouts, () => inForce.config.issuers),
    sessions: () => live,
    wallClock: () => new Date(NOW + clock.ms),
    monotonic: () => clock.ms,
    onTrouble: (error: CustodyError) => void troubles.push(error),
  };
  const watch = new SessionWatch(ports);
  const open = (
    session: string,
    rule: string,
    grant?: string,
    task: Pick<Watched, 'task'> & { is?: ComingTask; blindMs?: number } = {},
  ): void => {
    const principal = { ...dana, groups: ['developers'], expiresAt: new Date(NOW + 10_000) };
    const started = { session, rule, startedAt: new Date(NOW), ...(grant === undefined ? {} : { grant }) };
    const one: Watched = {
      question: {
        principal,
        action: 'connect',
        target: 'db',
        context: { network: '192.0.2.1', ...(task.is === undefined ? {} : { task: task.is }) },
        live: started,
      },
      ...(task.task === undefined ? {} : { task: task.task }),
      moderation: new Moderation(principal, false, () => undefined),
      blindMs: task.blindMs ?? BLIND_MS,
      note: ({ note, ms }) => void notes.push(`${session} ${note} ${ms}`),
      end: (reason, error) => {
        live.delete(one);
        ended.push(`${session} ${reason}: ${error.message}`);
      },
    };
    live.add(one);
  };
  /** One look, `ms` later. */
  const look = async (ms = LOOK_EVERY_MS): Promise<string[]> => {
    clock.ms += ms;
    watch.tick();
    await new Promise((done) => setImmediate(done));
    return ended.splice(0);
  };
  /** What ends in one more turn of the event loop. */
  const turn = async (): Promise<string[]> => {
    await new Promise((done) => setImmediate(done));
    return ended.splice(0);
  };
  const change = async (to: Config): Promise<void> => {
    next = to;
    await inForce.check();
    await inForce.check();
  };
  return { store, logouts, runs, clock, troubles, notes, open, look, turn, change, ports };
}

describe('a session that is watched (security case 12)', () => {
  it('goes on while what it was opened under holds, also after its token has expired', async () => {
    const { open, look, store } = stand();
    const grant = await store.create(request(1, { at: at(0), kind: 'granted', until: at(60) }));
    open('standing', 'work');
    open('granted', 'ask', grant.id);
    for (let n = 0; n < 30; n += 1) expect(await look()).toEqual([]);
  });

  it('ends at the first look after its grant has run out, was revoked or returned; others go on', async () => {
    const { open, look, store } = stand();
    const until = { at: at(0), kind: 'granted', until: at(60) } as const;
    const [short, revoked, returned, whole] = await Promise.all([
      store.create(request(1, { ...until, until: at(1) })),
      store.create(request(2, until)),
      store.create(request(3, until)),
      store.create(request(4, until)),
    ]);
    for (const [name, { id }] of Object.entries({ short, revoked, returned, whole })) open(name, 'ask', id);
    expect(await look()).toEqual([]);
    await store.append(revoked.id, 1, [{ at: at(0.6), kind: 'revoked', by: rui }]);
    await store.append(returned.id, 1, [{ at: at(0.6), kind: 'returned', by: dana }]);
    expect(await look()).toEqual([
      'short expired: the access that was granted has run out',
      'revoked revoked: the access was revoked by a reviewer',
      'returned revoked: the access was given back',
    ]);
    expect(await look()).toEqual([]);
  });

  it('ends when its rule is gone from the configuration', async () => {
    const { open, look, change } = stand();
    open('one', 'work');
    await change(policy(ASK));
    expect(await look()).toEqual(['one revoked: the access rule or the target is gone']);
  });

  it('ends when somebody wants it to, with their words; the operator learns who (security case 13)', async () => {
    const { open, look, store } = stand();
    open('one', 'work');
    open('two', 'work');
    await store.ask({ session: 'two', by: rui, at: at(1), reason: 'runaway' });
    expect(await look()).toEqual(['two terminated: an operator ended this session: runaway']);
  });
});

describe('a thousand sessions', () => {
  it('are judged some at a time, so that bytes are relayed between them, and all of them at each look', async () => {
    const { open, look, turn, change } = stand();
    for (let n = 0; n < 1_000; n += 1) open(`s${n}`, 'work');
    await change(policy(ASK));
    const ended = [await look()];
    for (let turns = 0; turns < 40; turns += 1) ended.push(await turn());
    expect(Math.max(...ended.map(({ length }) => length))).toBeLessThanOrEqual(64);
    expect(ended.flat()).toHaveLength(1_000);
  });

  it('end at once where somebody wants them to, whatever is judged before them', async () => {
    const { open, look, store, change } = stand();
    for (let n = 0; n < 1_000; n += 1) open(`s${n}`, 'work');
    await store.ask({ session: 's999', by: rui, at: at(1) });
    await change(policy(ASK));
    const [first] = await look();
    expect(first).toBe('s999 terminated: an operator ended this session');
  });
});

describe('a session that runs only while somebody watches', () => {
  const WATCHED =
    '{ name: watched, groups: [developers], targets: [db], allow: [connect], moderated: { by: { any: [reviewers] } } }';
  const watching = (seconds: number) => ({
    ...{ session: 'one', by: rui, groups: ['reviewers'], until: at(seconds) },
  });

  it('ends when who watches has not been seen, also where the rule asks for them only since then', async () => {
    const { open, look, store, change } = stand();
    await store.renew(watching(2));
    open('one', 'watched');
    open('two', 'work');
    await change(policy(`${STANDING}, ${WATCHED}`));
    expect(await look()).toEqual([]);
    expect(await look(1_600)).toEqual(['one unwatched: nobody of reviewers watches this session any more']);
    await change(
      policy(`${WATCHED}, ${STANDING.replace(' }', ', moderated: { by: { any: [reviewers] } } }')}`),
    );
    expect(await look()).toEqual(['two unwatched: nobody of reviewers watches this session any more']);
  });

  it('does not go on because nobody can see who watches (security case 12)', async () => {
    const { open, look, store } = stand(policy(`${STANDING}, ${WATCHED}`));
    open('one', 'watched');
    open('two', 'work');
    await store.renew(watching(60));
    store.watching = () => Promise.reject(new Error('away'));
    const ended: string[] = [];
    for (let n = 0; n < 10; n += 1) ended.push(...(await look()));
    expect(ended[0]).toBe('one gateway-failed: the gateway cannot see any more whether access is granted');
  });
});

describe('a session of somebody who was logged out', () => {
  const logout = (subject: string) =>
    markedLogout({ ...dana, subject, at: new Date(NOW), token: subject.padEnd(64, '0') });

  it('ends at the next look, whoever else has sessions goes on (security case 12)', async () => {
    const { open, look, logouts } = stand(LISTENING);
    open('one', 'work');
    open('two', 'work');
    await logouts.take(logout('eve'));
    expect(await look()).toEqual([]);
    await logouts.take(logout('dana'));
    expect(await look()).toEqual([
      'one revoked: you were logged out at the identity provider',
      'two revoked: you were logged out at the identity provider',
    ]);
  });

  it('goes on where its issuer is not listened to', async () => {
    const { open, look, logouts } = stand();
    open('one', 'work');
    await logouts.take(logout('dana'));
    expect(await look()).toEqual([]);
  });

  it('does not go on because nobody can see who was logged out', async () => {
    const { open, look, logouts } = stand(LISTENING);
    open('one', 'work');
    logouts.newest = () => Promise.reject(new Error('away'));
    const ended: string[] = [];
    for (let n = 0; n < 10; n += 1) ended.push(...(await look()));
    expect(ended).toEqual(['one gateway-failed: the gateway cannot see any more whether access is granted']);
  });
});

describe('a watch that cannot see', () => {
  it('says so once, and ends what it cannot see after four seconds: nothing fails open', async () => {
    const { open, look, ports, troubles } = stand();
    open('one', 'work');
    ports.terminations.asked = () => Promise.reject(new Error('the disk is gone'));
    let ended: string[] = [];
    let waited = 0;
    for (; ended.length === 0; waited += LOOK_EVERY_MS) ended = await look();
    expect(waited).toBeGreaterThan(BLIND_MS);
    expect(waited).toBeLessThanOrEqual(BLIND_MS + 2 * LOOK_EVERY_MS);
    expect(ended).toEqual(['one gateway-failed: the gateway cannot see any more whether access is granted']);
    expect(troubles.map(({ detail, message }) => detail?.split('\n')[0] ?? message)).toEqual([
      'Error: the disk is gone',
      'the gateway cannot see any more whether access is granted',
    ]);
  });

  it('ends sessions also when a look never comes back', async () => {
    const { open, look, ports } = stand();
    open('one', 'work');
    ports.terminations.asked = () => new Promise(() => undefined);
    for (let n = 0; n < 8; n += 1) expect(await look()).toEqual([]);
    expect(await look()).toHaveLength(1);
  });

  it('lets those go on that may, for their time, and says in their recording when it saw nothing', async () => {
    const { open, look, ports, notes } = stand();
    open('short', 'work');
    open('long', 'work', undefined, { blindMs: 15_000 });
    const asked = ports.terminations.asked.bind(ports.terminations);
    ports.terminations.asked = () => Promise.reject(new Error('away'));
    const first: string[] = [];
    for (let n = 0; n < 12; n += 1) first.push(...(await look()));
    expect(first).toEqual([
      'short gateway-failed: the gateway cannot see any more whether access is granted',
    ]);
    ports.terminations.asked = asked;
    expect([...(await look()), ...(await look())]).toEqual([]);
    expect(notes).toEqual(['long access-unseen 4500', 'long access-seen 6500']);
    ports.terminations.asked = () => Promise.reject(new Error('away'));
    const then: string[] = [];
    for (let n = 0; n < 31; n += 1) then.push(...(await look()));
    expect(then).toEqual(['long gateway-failed: the gateway cannot see any more whether access is granted']);
  });

  it('ends those as well whose rule is gone, which it need not look for', async () => {
    const { open, look, ports, change } = stand();
    open('long', 'work', undefined, { blindMs: 15_000 });
    ports.terminations.asked = () => new Promise(() => undefined);
    for (let n = 0; n < 9; n += 1) expect(await look()).toEqual([]);
    await change(policy(ASK));
    expect(await look()).toEqual([expect.stringContaining('long revoked')]);
  });

  it('asks side by side: the slowest answer is all that it waits for', async () => {
    const { open, ports, clock } = stand();
    const rounds = new Rounds();
    open('one', 'work');
    const looked = Promise.withResolvers<void>();
    const watch = new SessionWatch({
      ...ports,
      terminations: rounds.wrap(ports.terminations),
      standing: rounds.wrap(ports.standing),
      onTrouble: looked.reject,
      wallClock: () => (looked.resolve(), new Date(NOW)),
    });
    clock.ms = LOOK_EVERY_MS;
    watch.tick();
    expect(await rounds.of(looked.promise)).toBe(1);
  });

  it('sees again, and ends nothing', async () => {
    const { open, look, ports, store } = stand();
    open('one', 'work');
    ports.terminations.asked = () => Promise.reject(new Error('for a while'));
    for (let n = 0; n < 6; n += 1) expect(await look()).toEqual([]);
    Reflect.deleteProperty(store, 'asked');
    for (let n = 0; n < 20; n += 1) expect(await look()).toEqual([]);
  });

  it('ends a session whose grant is not to be found', async () => {
    const { open, look } = stand();
    open('one', 'ask', request(9).id);
    const ended: string[] = [];
    for (let n = 0; n < 12; n += 1) ended.push(...(await look()));
    expect(ended).toHaveLength(1);
  });
});

describe('a session that is a task of a run, watched (security case 12)', () => {
  const file = (workflow: string): Config =>
    compiledConfig(`version: 1
identity: { issuer: "https://id.example", audience: c }
targets:
  db: { protocol: postgres, address: "db:5432", database: d, credential: { user: u, passwordFile: p } }
rules: [${STANDING}]
${workflow}`);

  async function tasked(onDeviation = 'stop') {
    const config = file(refunds({ onDeviation }));
    const all = stand(config);
    const workflow = config.compiled.get('refunds')!;
    const run = await all.runs.create(runOf(workflow, new Date(NOW)), RUN_KEY);
    const is = { run: run.id, workflow: 'refunds', digest: workflow.digest, task: 'find' };
    const { contract } = workflow.tasks.get('find')!;
    const began = { ms: 0 };
    all.open('task', 'work', undefined, { is, task: { contract, elapsedMs: () => began.ms } });
    all.open('other', 'work');
    return { ...all, run, began };
  }

  it('goes on while its run does', async () => {
    const { look, runs } = await tasked();
    for (let n = 0; n < 10; n += 1) expect(await look()).toEqual([]);
    expect(runs.gets).toBe(5);
  });

  it('ends when its run is ended, and no other does', async () => {
    const { look, runs, run } = await tasked();
    await look();
    await runs.append(run.id, 0, endRun(run, run.startedBy, undefined, new Date(NOW)));
    const ended = [...(await look()), ...(await look()), ...(await look())];
    expect(ended).toEqual([`task revoked: the run ${run.id} was ended`]);
  });

  it('ends when its workflow is changed, or gone', async () => {
    for (const text of [refunds({ more: ', runs: 2' }), '']) {
      const { look, change } = await tasked();
      await change(file(text));
      expect(await look()).toEqual(['task revoked: the workflow refunds was changed']);
    }
  });

  it('ends when its time is over, where the contract stops; where it records, that is a deviation like others', async () => {
    const { look, began } = await tasked();
    began.ms = 600_000;
    expect(await look()).toEqual([]);
    began.ms += 1;
    expect(await look()).toEqual(['task expired: the time of the task find is over: it may take 10m']);
    const recorded = await tasked('record');
    recorded.began.ms = 600_001;
    expect(await recorded.look()).toEqual([]);
  });

  it('ends where its run has not been seen for seconds; others, whose matter it is not, go on', async () => {
    const { look, runs } = await tasked();
    await look();
    runs.fail = new CustodyError('store-unavailable', 'no runs');
    const ended: string[] = [];
    for (let ms = 0; ms <= BLIND_MS + LOOK_EVERY_MS; ms += LOOK_EVERY_MS) ended.push(...(await look()));
    expect(ended).toEqual(['task gateway-failed: the gateway cannot see any more whether the run goes on']);
  });
});
