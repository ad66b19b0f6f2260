import { describe, expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { leafBytes } from '#core/ledger/leaf.ts';
import { policyLeaf } from '#core/ledger/leaves.ts';
import type { SessionRecord } from '#core/recording/session-index.ts';
import { type StatusPorts, statusHandler } from '#lambdas/status/handler.ts';
import type { Status } from '#lambdas/status/shapes.ts';
import { MemoryAccess } from '#test/support/memory-access.ts';
import { MemoryDeliveries } from '#test/support/memory-deliveries.ts';
import { MemoryLeases } from '#test/support/memory-leases.ts';
import { MemoryQueue } from '#test/support/memory-ledger.ts';
import { MemoryIndex } from '#test/support/memory-ports.ts';
import { MemoryPulses } from '#test/support/memory-pulses.ts';
import { ledgerOf } from '#test/support/ledger-view.ts';
import { newsItem } from '#test/support/news.ts';
import { OUTCOME, sessionRecord } from '#test/support/session-records.ts';
import { call, NOW, POLICY } from './support.ts';

const before = (seconds: number): Date => new Date(NOW.getTime() - seconds * 1000);
const after = (seconds: number): Date => before(-seconds);

function gateway() {
  return {
    policy: { config: POLICY, refused: undefined } as StatusPorts['policy'],
    version: '9.9.9',
    sessions: new MemoryIndex(),
    presence: new MemoryAccess(),
    leases: new MemoryLeases(),
    pulses: new MemoryPulses(),
    queue: new MemoryQueue(),
    deadLetters: new MemoryDeliveries(),
    ledger: { newest: async () => undefined, fetch: async () => new Uint8Array() } as StatusPorts['ledger'],
    now: () => NOW,
    log: () => undefined,
  };
}

type Gateway = ReturnType<typeof gateway> & Pick<StatusPorts, 'unsearched'>;

const asked = (ports: Gateway, token = 'adm') => call(statusHandler(ports), '/v1/status', { token });
const statusOf = async (ports: Gateway) => (await asked(ports)).body as unknown as Status;

async function opened({ sessions }: Gateway, n: number, more: Partial<SessionRecord>): Promise<string> {
  const record = sessionRecord(n);
  await sessions.opened({ ...record, ...more });
  return record.id;
}

describe('GET /v1/status', () => {
  it.each(['dana', 'rui', 'ada', 'olga'])('is nothing for %s (security case 7)', async (who) => {
    const { status, body } = await asked(gateway(), who);
    expect([status, body['code'], body['sessions']]).toEqual([403, 'access-denied', undefined]);
  });

  it('says of a gateway without anything that nothing is wrong', async () => {
    expect(await statusOf(gateway())).toMatchObject({
      at: NOW.toISOString(),
      version: '9.9.9',
      sessions: { open: 0, waiting: 0, byTarget: [] },
      tasks: [],
      unsealed: { count: 0 },
      ledger: { size: 0, queued: 0, more: false },
      deadLetters: { count: 0, more: false },
      refusedTokens: { total: 0, reasons: [] },
      config: { version: POLICY.version, warnings: [] },
    });
  });

  it('counts sessions by target and by task, and those that wait for somebody to watch', async () => {
    const ports = gateway();
    await ports.leases.renew('task-1', after(9));
    await ports.pulses.tell({
      process: 'task-1',
      at: before(4),
      refused: [],
      task: { version: '0.1.0', sessions: 3, journalLagMs: 41 },
    });
    const [first] = await Promise.all(
      ['orders-db', 'stock-db', 'orders-db'].map((target, n) => opened(ports, n, { target, task: 'task-1' })),
    );
    await ports.presence.awaits(first!, after(60).toISOString());
    const over = await opened(ports, 7, { target: 'payroll-db', task: 'task-1' });
    await ports.sessions.closed(over, OUTCOME);
    const { sessions, tasks, unsealed } = await statusOf(ports);
    expect(sessions).toEqual({
      open: 3,
      waiting: 1,
      byTarget: [
        { target: 'orders-db', open: 2, waiting: 1 },
        { target: 'stock-db', open: 1, waiting: 0 },
      ],
    });
    expect(tasks).toEqual([
      {
        ...{ task: 'task-1', alive: true, leaseUntil: after(9).toISOString(), open: 3 },
        ...{ toldAt: before(4).toISOString(), version: '0.1.0', journalLagMs: 41 },
      },
    ]);
    expect(unsealed).toMatchObject({ count: 0 });
  });

  it('says which sessions nobody holds any more, and since when', async () => {
    const ports = gateway();
    await ports.leases.renew('dead', before(300));
    await ports.leases.renew('alive', after(9));
    const oldest = await opened(ports, 1, { task: 'dead' });
    await opened(ports, 2, { task: 'dead' });
    await opened(ports, 3, { task: 'alive' });
    const { unsealed, tasks } = await statusOf(ports);
    expect(unsealed).toMatchObject({
      count: 2,
      oldest: { session: oldest, since: before(300).toISOString() },
    });
    expect(tasks.map(({ task, alive, open }) => [task, alive, open])).toEqual([
      ['alive', true, 1],
      ['dead', false, 2],
    ]);
  });

  it('says how far the ledger is, and what waits to enter', async () => {
    const ports = gateway();
    const sessions = [1, 2, 3].map((n) => sessionRecord(n).id);
    const ledger = await ledgerOf(sessions);
    for (const seconds of [30, 90, 60])
      await ports.queue.add(leafBytes(policyLeaf('a'.repeat(64), before(seconds))));
    const state = (await statusOf({ ...ports, ledger })).ledger;
    const { checkpoint } = (await ledger.newest())!;
    expect(state).toMatchObject({
      size: checkpoint.size,
      queued: 3,
      more: false,
      oldestQueuedAt: before(90).toISOString(),
      deadlineSeconds: 60,
    });
    expect(Date.parse(state.newestAt!)).not.toBeNaN();
  });

  it('counts dead letters, and sealed sessions that the search does not have', async () => {
    const ports = gateway();
    for (const n of [1, 2]) {
      await ports.deadLetters.add(newsItem(n), ['chat']);
    }
    for (const { id } of await ports.deadLetters.take({ now: NOW, until: NOW, limit: 9, except: [] }))
      await ports.deadLetters.failed(id, { dead: true }, 'refused');
    const running = await opened(ports, 1, { task: 'task-1' });
    const search = { unsearched: async () => [running, sessionRecord(5).id] };
    const { deadLetters, search: left } = await statusOf({ ...ports, ...search });
    const oldest = [1, 2].map((n) => newsItem(n).at).toSorted()[0];
    expect(deadLetters).toEqual({ count: 2, more: false, oldestAt: oldest });
    expect(left).toEqual({ pending: 1, more: false });
    expect(await statusOf(ports)).not.toHaveProperty('search');
  });

  it('sums up what all processes refused within an hour, by reason and over time', async () => {
    const ports = gateway();
    const bad = (seconds: number, count: number) =>
      ({ from: before(seconds), door: 'gateway', code: 'token-invalid', issuer: 'people', count }) as const;
    await ports.pulses.tell({
      process: 'task-1',
      at: before(1),
      refused: [bad(0, 2), bad(600, 3), bad(7_200, 99)],
    });
    await ports.pulses.tell({
      process: 'lambda-1',
      at: before(1_800),
      refused: [bad(600, 1), { from: before(1_800), door: 'api', code: 'token-missing', count: 4 }],
    });
    const { refusedTokens } = await statusOf(ports);
    expect(refusedTokens).toMatchObject({
      since: before(3_600).toISOString(),
      total: 10,
      reasons: [
        { door: 'gateway', code: 'token-invalid', issuer: 'people', count: 6 },
        { door: 'api', code: 'token-missing', count: 4 },
      ],
    });
    expect(refusedTokens.perTenMinutes.map(({ count }) => count)).toEqual([0, 0, 0, 4, 0, 4, 2]);
  });

  it('says why a newer configuration is refused, and what the one in force is taken with', async () => {
    const error = new CustodyError('config-invalid', 'custody.yaml:7:3: rules.0: no');
    const policy = {
      config: { ...POLICY, writtenAt: before(60) },
      refused: { error, since: before(5) },
    };
    expect((await statusOf({ ...gateway(), policy })).config).toEqual({
      version: POLICY.version,
      since: before(60).toISOString(),
      refused: { since: before(5).toISOString(), problem: 'custody.yaml:7:3: rules.0: no' },
      warnings: [],
    });
  });
});
