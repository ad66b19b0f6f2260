import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { newSessionId } from '#core/recording/session-id.ts';
import type { Run, RunStep } from '#core/tasks/run.ts';
import { digestOf } from '#core/tasks/run-lifecycle.ts';
import type { OutputDigests, RunQuery, RunStore } from '#core/tasks/store.ts';

const START = Date.parse('2026-11-29T09:00:00.000Z');
const KEY = Buffer.alloc(32, 7);
const person = (subject: string) => ({ issuer: 'https://id.example', subject });

function at(minutes: number): string {
  return new Date(START + minutes * 60_000).toISOString();
}

/** Number `n` is younger than number `n` - 1. */
export function storedRun(n: number, more: Partial<Run> = {}): Run {
  const beginning = {
    workflow: 'refunds',
    workflowDigest: 'b'.repeat(64),
    policy: 'a'.repeat(64),
    startedBy: person('dana'),
    startedAt: at(n),
    until: at(n + 60),
    inputs: { customer: String(n), note: null },
    keyDigest: 'c'.repeat(64),
  };
  const id = newSessionId(START + n, Buffer.alloc(10, n));
  return { ...beginning, id, digest: digestOf(beginning), steps: [], ...more };
}

const sessionOf = (n: number): string => newSessionId(START + n, Buffer.alloc(10, 100 + n));
const started = (n: number, task = 'find'): RunStep => ({
  at: at(n),
  kind: 'task-started',
  task,
  session: sessionOf(n),
});
const ended = (n: number, task = 'find'): RunStep => ({
  at: at(n + 1),
  kind: 'task-ended',
  task,
  session: sessionOf(n),
  verdict: 'kept',
  result: 'd'.repeat(64),
});

function outputs(values: number): OutputDigests {
  const digests = Array.from({ length: values }, () => randomBytes(16).toString('hex'));
  return {
    columns: new Map([
      ['returned.id', new Set(digests)],
      ['returned.a', new Set()],
    ]),
    streams: new Map([['dump', { sha256: 'e'.repeat(64), bytes: 12 }]]),
  };
}

/** `make` gives a store with nothing in it. */
export function runStoreContract(name: string, make: () => Promise<RunStore>): void {
  describe(`${name} keeps the contract of the store of runs`, () => {
    it('gives what was put, its key apart, and says what is not there', async () => {
      const store = await make();
      const run = storedRun(1);
      expect(await store.create(run, KEY)).toEqual(run);
      expect(await store.get(run.id)).toEqual(run);
      expect(Buffer.from(await store.keyOf(run.id))).toEqual(KEY);
      expect(JSON.stringify(await store.list({ limit: 10 }))).not.toContain(KEY.toString('base64'));
      const notFound = { code: 'not-found' };
      await expect(store.get(storedRun(2).id)).rejects.toMatchObject(notFound);
      await expect(store.keyOf(storedRun(2).id)).rejects.toMatchObject(notFound);
      await expect(store.append(storedRun(2).id, 0, [started(1)])).rejects.toMatchObject(notFound);
    });

    it('takes an id once', async () => {
      const store = await make();
      await store.create(storedRun(1), KEY);
      const other = store.create(storedRun(1, { workflow: 'other' }), Buffer.alloc(32));
      await expect(other).rejects.toMatchObject({ code: 'already-exists' });
      expect((await store.get(storedRun(1).id)).workflow).toBe('refunds');
      expect(Buffer.from(await store.keyOf(storedRun(1).id))).toEqual(KEY);
    });

    it('an idempotency key makes one run of one starter', async () => {
      const store = await make();
      await store.create(storedRun(1), KEY, 'once');
      expect((await store.create(storedRun(2), Buffer.alloc(32), 'once')).id).toBe(storedRun(1).id);
      await expect(store.get(storedRun(2).id)).rejects.toMatchObject({ code: 'not-found' });
      await expect(store.keyOf(storedRun(2).id)).rejects.toMatchObject({ code: 'not-found' });
      const other = storedRun(3, { startedBy: person('eve') });
      expect((await store.create(other, KEY, 'once')).id).toBe(other.id);
    });

    it('of many who use one idempotency key at once, all have one run', async () => {
      const store = await make();
      const all = await Promise.all(
        Array.from({ length: 10 }, (_, n) => store.create(storedRun(n + 1), KEY, 'once')),
      );
      expect(new Set(all.map(({ id }) => id)).size).toBe(1);
    });

    it('adds steps to the version that was seen, and to no other', async () => {
      const store = await make();
      const { id } = await store.create(storedRun(1), KEY);
      await store.append(id, 0, [started(1), ended(1)]);
      await expect(store.append(id, 0, [started(2)])).rejects.toMatchObject({ code: 'conflict' });
      await expect(store.append(id, 3, [started(2)])).rejects.toMatchObject({ code: 'conflict' });
      await store.append(id, 2, [{ at: at(2), kind: 'ended', by: person('dana'), comment: 'enough' }]);
      expect((await store.get(id)).steps).toEqual([
        started(1),
        ended(1),
        { at: at(2), kind: 'ended', by: person('dana'), comment: 'enough' },
      ]);
    });

    it('of many who add at once, one gets through', async () => {
      const store = await make();
      const { id } = await store.create(storedRun(1), KEY);
      const many = Array.from({ length: 50 }, (_, n) => started(n));
      const done = await Promise.allSettled(many.map((step) => store.append(id, 0, [step])));
      expect(done.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect((await store.get(id)).steps).toHaveLength(1);
    });

    it('lists newest first, by workflow, from a cursor on', async () => {
      const store = await make();
      const all = [1, 2, 3, 4, 5].map((n) => storedRun(n, { workflow: n % 2 === 0 ? 'audit' : 'refunds' }));
      for (const one of all) await store.create(one, KEY);
      const numbers = async (query: RunQuery) =>
        (await store.list(query)).runs.map(({ id }) => all.findIndex((one) => one.id === id) + 1);
      expect(await numbers({ limit: 10 })).toEqual([5, 4, 3, 2, 1]);
      expect(await numbers({ limit: 10, workflow: 'audit' })).toEqual([4, 2]);
      expect(await numbers({ limit: 10, workflow: 'none' })).toEqual([]);
      const first = await store.list({ limit: 2 });
      expect(first.next).toBe(all[3]!.id);
      expect(await numbers({ limit: 2, cursor: first.next! })).toEqual([3, 2]);
      expect(await numbers({ limit: 2, workflow: 'refunds', cursor: all[4]!.id })).toEqual([3, 1]);
      expect(await store.list({ limit: 5 })).not.toHaveProperty('next');
    });

    it('knows which runs have an execution without a result', async () => {
      const store = await make();
      const all = [1, 2, 3].map((n) => storedRun(n));
      for (const one of all) await store.create(one, KEY);
      expect(await store.unsettled(10)).toEqual([]);
      for (const [n, { id }] of all.entries()) await store.append(id, 0, [started(n)]);
      const ids = all.map(({ id }) => id);
      expect(await store.unsettled(10)).toEqual(ids);
      expect(await store.unsettled(2)).toEqual(ids.slice(0, 2));
      expect(await store.unsettled(10, ids[0])).toEqual(ids.slice(1));
      await store.append(ids[1]!, 1, [ended(1), started(11, 'refund')]);
      await store.append(ids[2]!, 1, [ended(2)]);
      expect(await store.unsettled(10)).toEqual(ids.slice(0, 2));
      await store.append(ids[1]!, 3, [ended(11, 'refund')]);
      expect(await store.unsettled(10)).toEqual(ids.slice(0, 1));
    });

    it('knows what has not been told', async () => {
      const store = await make();
      const { id } = await store.create(storedRun(1), KEY);
      await store.create(storedRun(2), KEY);
      expect((await store.untold(10)).map(({ told }) => told)).toEqual([0, 0]);
      expect(await store.untold(1)).toHaveLength(1);
      await store.told(id, 1);
      expect(await store.untold(10, id)).toEqual([]);
      await store.append(id, 0, [started(1)]);
      const [untold] = await store.untold(10, id);
      expect([untold!.told, untold!.run.steps.length]).toEqual([1, 1]);
      await store.told(id, 2);
      await store.told(id, 1);
      expect(await store.untold(10, id)).toEqual([]);
      expect(await store.untold(10)).toHaveLength(1);
    });

    it('keeps the first digests of outputs of a session, however many', async () => {
      const { outputs: kept } = await make();
      const [run, one, other] = [storedRun(1).id, sessionOf(1), sessionOf(2)];
      expect(await kept.get(run, one)).toBeUndefined();
      const many = outputs(60_000);
      await kept.put(run, one, many);
      await kept.put(run, one, outputs(3));
      await kept.put(run, other, { columns: new Map(), streams: new Map() });
      expect(await kept.get(run, one)).toEqual(many);
      expect(await kept.get(run, other)).toEqual({ columns: new Map(), streams: new Map() });
      expect(await kept.get(storedRun(2).id, one)).toBeUndefined();
    });

    it('of two who put outputs at once, one stands as a whole', async () => {
      const { outputs: kept } = await make();
      const [a, b] = [outputs(30_000), outputs(30_000)];
      await Promise.all([a, b].map((one) => kept.put(storedRun(1).id, sessionOf(1), one)));
      expect([a, b]).toContainEqual(await kept.get(storedRun(1).id, sessionOf(1)));
    });

    it('refuses more different values than it keeps', async () => {
      const { outputs: kept } = await make();
      const values = Array.from({ length: 200_001 }, (_, n) => n.toString(16).padStart(32, '0'));
      const tooMany = { columns: new Map([['returned.id', new Set(values)]]), streams: new Map() };
      await expect(kept.put(storedRun(1).id, sessionOf(1), tooMany)).rejects.toMatchObject({
        code: 'format-invalid',
      });
    });
  });
}
