/** Workflows and runs over the API: who sees what, who may start and end, what waits for what. */
import { beforeEach, describe, expect, it } from 'vitest';
import { type Config, parseConfig } from '#core/access/config.ts';
import { deviated, endTask } from '#core/tasks/run-lifecycle.ts';
import { startTask } from '#core/tasks/run-start-task.ts';
import { type RunsPorts, runsHandler } from '#lambdas/runs/handler.ts';
import { workflowsHandler } from '#lambdas/workflows/handler.ts';
import { memoryRuns, withoutContracts } from '#test/support/api-runs.ts';
import type { MemoryRuns } from '#test/support/memory-runs.ts';
import { type Answered, addSession, call, ISSUER, MISSING, type World, world } from './support.ts';

const FILE = (limit: number): string => `version: 1
identity: { issuer: ${ISSUER}, audience: custody }
targets:
  orders-db:
    { protocol: postgres, address: "a:5432", database: main, credential: { user: app, passwordFile: s } }
rules:
  - { name: as-task, groups: [developers], targets: [orders-db], allow: [connect], when: { task: "refunds/*" } }
  - { name: own, groups: [developers], targets: [orders-db], allow: [replay, export] }
  - { name: auditors-look, groups: [auditors], targets: ["*"], allow: [replay, export], sessions: any }
  - { name: stop, groups: [operators], targets: ["*"], allow: [terminate], sessions: any }
  - { name: run-it, groups: [platform], targets: ["*"], allow: [administer] }
disabled: [{ subject: eve }]
workflows:
  refunds:
    startedBy: { groups: [developers] }
    inputs: { day: { type: date, nullable: true } }
    tasks:
      find:
        target: orders-db
        by: { groups: [developers, visitors] }
        contract:
          does: [{ name: twice, statement: SELECT id FROM orders LIMIT ${limit}, answers: { within: 5s } }]
          outputs: { orders: { of: twice, columns: [id], keep: true } }
      refund:
        target: orders-db
        by: { groups: [developers] }
        after: [find]
        contract:
          does:
            - name: pay
              statement: INSERT INTO refunds VALUES ($1)
              values: { $1: { type: integer, from: find.orders.id } }
              times: { max: 3 }
          onDeviation: { ask: { reviewers: { any: [reviewers] } } }
`;

const policyOf = (limit = 3): Config => withoutContracts(parseConfig(FILE(limit), 'custody.yaml'));

let ports: World & Omit<RunsPorts, keyof World> & { runs: MemoryRuns };
let policy: Config;
let desk: ReturnType<typeof memoryRuns>['desk'];
beforeEach(() => {
  policy = policyOf();
  const base = world();
  const memory = memoryRuns(base.now, base.source, base.leaves);
  ({ desk } = memory);
  ports = { ...base, ...memory, policy: () => policy, sessions: base.catalog } as never;
});

const api = (path: string, how: Parameters<typeof call>[2] = {}): Promise<Answered> =>
  call((path.startsWith('/v1/workflows') ? workflowsHandler : runsHandler)(ports as never), path, how);
const start = (token: string, body: object = {}, headers: Record<string, string> = {}): Promise<Answered> =>
  api('/v1/runs', { token, method: 'POST', body: { workflow: 'refunds', ...body }, headers });
const started = async (token = 'dana', body: object = {}): Promise<string> =>
  (await start(token, body)).body['id'] as string;

/** Session number `n` of Dana as find, which kept its contract with these values. */
async function found(run: string, n: number, verdict: 'kept' | 'deviated' = 'kept'): Promise<string> {
  const session = await addSession(ports, n, { subject: 'dana' });
  const workflow = policy.compiled.get('refunds')!;
  await desk.change(run, (seen, now) => startTask(seen, workflow, 'find', session, now));
  if (verdict === 'deviated') {
    const what = { task: 'find', session, deviation: 'value', how: 'stopped' } as const;
    await desk.change(run, (seen, now) => deviated(seen, what, now));
  }
  await desk.change(run, (seen, now) =>
    endTask(seen, { task: 'find', session, verdict, result: '0'.repeat(64) }, now),
  );
  const outputs = [{ name: 'orders', rows: 2, columns: [{ name: 'id' }], kept: [['4'], ['13']] }];
  const operator = { issuer: ISSUER, subject: 'dana' };
  const predicate = { type: 'custody/task-result/1', operator, deviations: [], outputs };
  const payload = Buffer.from(JSON.stringify({ predicate })).toString('base64');
  await ports.source.put(`sessions/${session}/task.json`, Buffer.from(JSON.stringify({ payload })));
  return session;
}

type Task = Record<string, unknown> & { name: string };
const tasksOf = ({ body }: Answered): Task[] => body['tasks'] as Task[];

describe('workflows', () => {
  it('are shown to who may work on them, with what each task may do', async () => {
    const { body } = await api('/v1/workflows', { token: 'dana' });
    const [{ name, digest, mayStart, tasks }] = body['workflows'] as [Record<string, unknown>];
    expect({ name, digest, mayStart }).toEqual({
      name: 'refunds',
      digest: policy.compiled.get('refunds')!.digest,
      mayStart: true,
    });
    expect(tasks).toMatchObject([
      {
        name: 'find',
        target: 'orders-db',
        protocol: 'postgres',
        mayRun: true,
        onDeviation: 'stop',
        does: [{ statement: 'SELECT id FROM orders LIMIT 3', answers: { withinMs: 5000 } }],
      },
      { name: 'refund', after: ['find'], onDeviation: 'ask', ask: { any: ['reviewers'], waitSeconds: 300 } },
    ]);
  });

  it('say to each what they may do of them', async () => {
    const { body } = await api('/v1/workflows/refunds', { token: 'vera' });
    expect(body['mayStart']).toBe(false);
    expect((body['tasks'] as Task[]).map(({ mayRun }) => mayRun)).toEqual([true, false]);
  });

  it.each(['rui', 'eve'])('are not there for who has nothing to do with them (%s)', async (token) => {
    expect((await api('/v1/workflows', { token })).body).toEqual({ workflows: [] });
    expect((await api('/v1/workflows/refunds', { token })).status).toBe(404);
    expect((await start(token)).status).toBe(404);
  });
});

describe('a run', () => {
  it('is started by who may, with its inputs, and says what may begin', async () => {
    const answer = await start('dana', { inputs: { day: '2026-11-23' } });
    expect(answer.status).toBe(201);
    expect(answer.headers['location']).toBe(`/v1/runs/${String(answer.body['id'])}`);
    expect(answer.body).toMatchObject({ state: 'running', isCurrent: true, mayEnd: true });
    expect(answer.body['inputs']).toEqual({ day: '2026-11-23' });
    expect(tasksOf(answer).map(({ state, waitsFor }) => ({ state, waitsFor }))).toEqual([
      { state: 'ready', waitsFor: [] },
      { state: 'waiting', waitsFor: ['find'] },
    ]);
  });

  it('is started once for one key', async () => {
    const key = { 'idempotency-key': 'one' };
    const [one, other] = [await start('dana', {}, key), await start('dana', {}, key)];
    expect(other.body['id']).toBe(one.body['id']);
    expect((await start('dana', {}, { 'idempotency-key': 'with a blank' })).status).toBe(400);
  });

  it.each([
    ['vera', 403, {}],
    ['dana', 400, { inputs: { day: 'yesterday' } }],
    ['dana', 400, { inputs: { other: 'x' } }],
    ['dana', 400, { trace: 'no trace' }],
    ['dana', 404, { workflow: 'other' }],
  ])('is not started by %s: %i for %j', async (token, status, body) => {
    expect((await start(token, body)).status).toBe(status);
    expect((await ports.runs.list({ limit: 1 })).runs).toEqual([]);
  });

  it('security case 7: is seen by who has to do with it, and by nobody else', async () => {
    const path = `/v1/runs/${await started()}`;
    for (const token of ['dana', 'devrev', 'vera', 'ada', 'adm'])
      expect([token, (await api(path, { token })).status]).toEqual([token, 200]);
    for (const token of ['rui', 'eve', 'olga', 'pat']) {
      expect([token, (await api(path, { token })).status]).toEqual([token, 404]);
      expect((await api('/v1/runs', { token })).body['runs']).toEqual([]);
    }
    expect((await api(`/v1/runs/${MISSING}`, { token: 'ada' })).status).toBe(404);
    expect((await api('/v1/runs/no-id', { token: 'ada' })).status).toBe(404);
  });

  it('shows its inputs to who gave them and to auditors', async () => {
    const path = `/v1/runs/${await started('dana', { inputs: { day: '2026-11-23' } })}`;
    const shows = async (token: string): Promise<boolean> => 'inputs' in (await api(path, { token })).body;
    expect(await Promise.all(['dana', 'ada', 'vera', 'devrev'].map(shows))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it('shows what a task came to, and hands its values to who runs the next', async () => {
    const run = await started();
    const session = await found(run, 1);
    const answer = await api(`/v1/runs/${run}`, { token: 'dana' });
    const [find, refund] = tasksOf(answer);
    expect(find).toMatchObject({ state: 'kept', executions: [{ session, verdict: 'kept' }], left: 0 });
    expect(refund).toMatchObject({ state: 'ready', waitsFor: [] });
    expect(refund!['handed']).toEqual({ 'find.orders': { columns: ['id'], rows: [['4'], ['13']] } });
    expect((find!['executions'] as Task[])[0]!['detail']).toMatchObject({ type: 'custody/task-result/1' });
  });

  it('hides what was done in a session from who may not replay it', async () => {
    const run = await started();
    await found(run, 1);
    const detailFor = async (token: string): Promise<unknown> =>
      (tasksOf(await api(`/v1/runs/${run}`, { token }))[0]!['executions'] as Task[])[0]!['detail'];
    expect(await detailFor('ada')).toBeDefined();
    expect(await detailFor('vera')).toBeUndefined();
    const [, refund] = tasksOf(await api(`/v1/runs/${run}`, { token: 'vera' }));
    expect(refund).not.toHaveProperty('handed');
  });

  it('says what left a contract', async () => {
    const run = await started();
    const session = await found(run, 1, 'deviated');
    const [find, refund] = tasksOf(await api(`/v1/runs/${run}`, { token: 'dana' }));
    expect(find).toMatchObject({
      state: 'deviated',
      executions: [{ session, verdict: 'deviated', deviation: { kind: 'value', how: 'stopped' } }],
    });
    expect(refund).toMatchObject({ state: 'waiting', handed: {} });
  });

  it('says what was stopped before a task began', async () => {
    const run = await started();
    const what = { task: 'find', session: MISSING, deviation: 'not-in-contract', how: 'stopped' } as const;
    await desk.change(run, (seen, now) => deviated(seen, what, now));
    const [find] = tasksOf(await api(`/v1/runs/${run}`, { token: 'dana' }));
    expect(find).toMatchObject({ state: 'ready', executions: [], stopped: [{ kind: 'not-in-contract' }] });
  });

  it('is under the workflow that it was started under', async () => {
    const run = await started();
    policy = policyOf(5);
    const answer = await api(`/v1/runs/${run}`, { token: 'dana' });
    expect(answer.body['isCurrent']).toBe(false);
    expect((tasksOf(answer)[0]!['does'] as { statement: string }[])[0]!.statement).toContain('LIMIT 3');
  });

  it('derives what is due before it answers, and answers all the same where that fails', async () => {
    const run = await started();
    const session = await addSession(ports, 1, { subject: 'dana' });
    const workflow = policy.compiled.get('refunds')!;
    await desk.change(run, (seen, now) => startTask(seen, workflow, 'find', session, now));
    const settle = async (id: string): Promise<void> => {
      await desk.change(id, (seen, now) =>
        endTask(seen, { task: 'find', session, verdict: 'kept', result: '0'.repeat(64) }, now),
      );
    };
    const get = (how: RunsPorts['settle'] & object): Promise<Answered> =>
      call(runsHandler({ ...ports, settle: how } as never), `/v1/runs/${run}`, { token: 'dana' });
    const broken = await get(() => Promise.reject(new Error('no disk')));
    expect([broken.status, tasksOf(broken)[0]!['state'], ports.faults.length]).toEqual([200, 'running', 1]);
    expect(tasksOf(await get(settle))[0]!['state']).toBe('kept');
  });
});

describe('lists of runs', () => {
  it('go on where they ended, of one workflow or of all', async () => {
    const ids = [await started(), await started(), await started()].toReversed();
    const first = await api('/v1/runs', { token: 'ada', query: { limit: '2', workflow: 'refunds' } });
    expect((first.body['runs'] as Task[]).map(({ id }) => id)).toEqual(ids.slice(0, 2));
    const next = await api('/v1/runs', { token: 'ada', query: { cursor: first.body['next'] as string } });
    expect((next.body['runs'] as Task[]).map(({ id }) => id)).toEqual(ids.slice(2));
    expect((await api('/v1/runs', { token: 'ada', query: { workflow: 'none' } })).body['runs']).toEqual([]);
    expect((await api('/v1/runs', { token: 'ada', query: { limit: '0' } })).status).toBe(400);
  });
});

describe('the end of a run', () => {
  const end = (run: string, token: string): Promise<Answered> =>
    api(`/v1/runs/${run}/end`, { token, method: 'POST', body: { comment: 'enough' } });

  it.each(['dana', 'adm'])('is for who started it, and who administers (%s)', async (token) => {
    const { status, body } = await end(await started(), token);
    expect(status).toBe(200);
    expect(body).toMatchObject({ state: 'ended', ended: { by: { subject: token }, comment: 'enough' } });
  });

  it('is for nobody else', async () => {
    const run = await started();
    expect((await end(run, 'vera')).status).toBe(403);
    expect((await end(run, 'rui')).status).toBe(404);
    expect((await api(`/v1/runs/${run}`, { token: 'dana' })).body['state']).toBe('running');
  });
});

describe("a run's evidence", () => {
  const evidence = (run: string, token: string): Promise<Answered> =>
    api(`/v1/runs/${run}/evidence`, { token });

  it('is for who may export all of its sessions', async () => {
    const run = await started();
    const session = await found(run, 1);
    const { status, body } = await evidence(run, 'dana');
    expect(status).toBe(200);
    expect(body['sessions']).toEqual([{ session, task: 'find' }]);
    expect(Buffer.from(body['key'] as string, 'base64')).toHaveLength(32);
    expect(body['workflow']).toBe(policy.compiled.get('refunds')!.text);
    expect((await evidence(run, 'ada')).status).toBe(200);
  });

  it('security case 7: its key is for nobody who may see the run alone', async () => {
    const run = await started();
    expect((await evidence(run, 'vera')).status).toBe(403);
    expect((await evidence(run, 'devrev')).status).toBe(403);
    await found(run, 1);
    expect((await evidence(run, 'devrev')).status).toBe(403);
    expect((await evidence(run, 'rui')).status).toBe(404);
  });
});
