import { describe, expect, it } from 'vitest';
import { type AccessRequest, digestOf, type Step } from '#core/access/request.ts';
import type { AccessCatalog, AccessOutbox, AccessRequests, Terminations } from '#core/access/store.ts';
import { newSessionId } from '#core/recording/session-id.ts';

type Store = AccessRequests & AccessCatalog & AccessOutbox & Terminations;

const START = Date.parse('2026-11-23T09:00:00.000Z');
const person = (subject: string) => ({ issuer: 'https://id.example', subject });
const approved = (subject: string): Step => ({
  at: at(1),
  kind: 'approved',
  by: person(subject),
  groups: ['reviewers'],
});

function at(minutes: number): string {
  return new Date(START + minutes * 60_000).toISOString();
}

/** Number `n` is younger than number `n` - 1. */
function request(n: number, more: Partial<AccessRequest> = {}): AccessRequest {
  const question = {
    requester: person('dana'),
    target: 'orders-db',
    rule: 'ask',
    policy: 'a'.repeat(64),
    reason: 'look',
    durationMs: 3_600_000,
    breakGlass: false,
    createdAt: at(n),
    pendingUntil: at(n + 60),
  };
  const id = newSessionId(START + n, Buffer.alloc(10, n));
  return { ...question, id, digest: digestOf(question), steps: [], ...more };
}

/** `make` gives a store with nothing in it. */
export function accessStoreContract(name: string, make: () => Promise<Store>): void {
  describe(`${name} keeps the contract of the access store`, () => {
    it('gives what was put, and says what is not there', async () => {
      const store = await make();
      const asked = request(1);
      expect(await store.create(asked)).toEqual(asked);
      expect(await store.get(asked.id)).toEqual(asked);
      await expect(store.get(request(2).id)).rejects.toMatchObject({ code: 'not-found' });
      await expect(store.append(request(2).id, 0, [approved('rui')])).rejects.toMatchObject({
        code: 'not-found',
      });
    });

    it('gives back what a command waits with, to the last byte, and the run that a grant is for', async () => {
      const store = await make();
      const of = { workflow: 'refunds', workflowDigest: 'c'.repeat(64), task: 'refund' };
      const text = `${'\u0001"\\😀\u202e\n'.repeat(4_000)}x`;
      const deviation = {
        ...{ run: request(7).id, ...of, session: request(8).id, kind: 'origin' as const, of: 'give' },
        ...{ expected: 'a value from find.ids', seen: 'another', isAnswer: false },
        command: { sha256: 'e'.repeat(64), text },
      };
      const run = { id: request(7).id, ...of };
      for (const asked of [request(1, { deviation }), request(2, { run })]) {
        await store.create(asked);
        await store.append(asked.id, 0, [approved('rui')]);
        expect(await store.get(asked.id)).toEqual({ ...asked, steps: [approved('rui')] });
        expect(await store.untold(1, asked.id)).toMatchObject([{ request: { digest: asked.digest } }]);
      }
    });

    it('takes an id once', async () => {
      const store = await make();
      await store.create(request(1));
      await expect(store.create(request(1, { target: 'other' }))).rejects.toMatchObject({
        code: 'already-exists',
      });
      expect((await store.get(request(1).id)).target).toBe('orders-db');
    });

    it('an idempotency key makes one request of one requester', async () => {
      const store = await make();
      await store.create(request(1), 'key');
      expect((await store.create(request(2), 'key')).id).toBe(request(1).id);
      await expect(store.get(request(2).id)).rejects.toMatchObject({ code: 'not-found' });
      const other = request(3, { requester: person('eve') });
      expect((await store.create(other, 'key')).id).toBe(other.id);
    });

    it('adds steps to the version that was seen, and to no other', async () => {
      const store = await make();
      const { id } = await store.create(request(1));
      await store.append(id, 0, [approved('rui'), { at: at(1), kind: 'granted', until: at(61) }]);
      await expect(store.append(id, 0, [approved('eva')])).rejects.toMatchObject({ code: 'conflict' });
      await expect(store.append(id, 3, [approved('eva')])).rejects.toMatchObject({ code: 'conflict' });
      await store.append(id, 2, [{ at: at(2), kind: 'returned', by: person('dana') }]);
      expect((await store.get(id)).steps.map(({ kind }) => kind)).toEqual([
        'approved',
        'granted',
        'returned',
      ]);
    });

    it('of many who add at once, one gets through', async () => {
      const store = await make();
      const { id } = await store.create(request(1));
      const people = Array.from({ length: 50 }, (_, n) => approved(`r${n}`));
      const done = await Promise.allSettled(people.map((step) => store.append(id, 0, [step])));
      expect(done.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect((await store.get(id)).steps).toHaveLength(1);
    });

    it('lists newest first, by requester, by target, from a cursor on', async () => {
      const store = await make();
      const all = [1, 2, 3, 4, 5].map((n) =>
        request(n, {
          target: n % 2 === 0 ? 'stock-db' : 'orders-db',
          requester: person(n < 4 ? 'dana' : 'eve'),
        }),
      );
      for (const one of all) await store.create(one);
      const ids = async (query: Parameters<Store['list']>[0]) =>
        (await store.list(query)).requests.map(({ id }) => all.findIndex((one) => one.id === id) + 1);
      expect(await ids({ limit: 10 })).toEqual([5, 4, 3, 2, 1]);
      expect(await ids({ limit: 10, requester: person('dana') })).toEqual([3, 2, 1]);
      expect(await ids({ limit: 10, target: 'stock-db' })).toEqual([4, 2]);
      const first = await store.list({ limit: 2 });
      expect(first.next).toBe(all[3]!.id);
      expect(await ids({ limit: 2, cursor: first.next! })).toEqual([3, 2]);
      expect(await store.list({ limit: 5 })).not.toHaveProperty('next');
    });

    it('lists what is open: pending, granted, or a broken glass that nobody has looked at', async () => {
      const store = await make();
      const grant: Step = { at: at(1), kind: 'granted', until: at(30) };
      const [pending, short, ended, glass] = [
        request(1),
        request(2, { steps: [grant] }),
        request(3),
        request(4, { breakGlass: true, steps: [grant] }),
      ];
      for (const one of [pending, short, ended, glass]) await store.create(one);
      await store.append(ended.id, 0, [{ at: at(3), kind: 'withdrawn', by: person('dana') }]);
      const open = async (minutes: number) =>
        (await store.list({ limit: 10, openAt: new Date(at(minutes)) })).requests.map(({ id }) => id);
      expect(await open(5)).toEqual([glass.id, short.id, pending.id]);
      expect(await open(31)).toEqual([glass.id, pending.id]);
      expect(await open(100)).toEqual([glass.id]);
      const seen: Step = { at: at(101), kind: 'reviewed', by: person('rui'), verdict: 'justified' };
      await store.append(glass.id, 1, [seen]);
      expect(await open(102)).toEqual([]);
    });

    it('goes on from a request of long ago, as far as it still matters', async () => {
      const store = await make();
      const grant: Step = { at: at(1), kind: 'granted', until: at(30) };
      for (const n of [1, 2, 3]) await store.create(request(n, { breakGlass: true, steps: [grant] }));
      const openAt = new Date(START + 400 * 86_400_000);
      for (const query of [{}, { target: 'orders-db' }, { requester: person('dana') }]) {
        const ids: string[] = [];
        let cursor: string | undefined;
        do {
          const page = await store.list({ ...query, limit: 1, openAt, ...(cursor && { cursor }) });
          ids.push(...page.requests.map(({ id }) => id));
          cursor = page.next;
        } while (cursor !== undefined);
        expect(ids).toEqual([3, 2, 1].map((n) => request(n).id));
      }
    });

    it('knows what has not been told', async () => {
      const store = await make();
      const { id } = await store.create(request(1));
      await store.create(request(2));
      expect((await store.untold(10)).map(({ told }) => told)).toEqual([0, 0]);
      expect(await store.untold(1)).toHaveLength(1);
      await store.told(id, 1);
      expect(await store.untold(10, id)).toEqual([]);
      await store.append(id, 0, [approved('rui')]);
      expect(
        (await store.untold(10, id)).map(({ told, request: { steps } }) => [told, steps.length]),
      ).toEqual([[1, 1]]);
      await store.told(id, 2);
      await store.told(id, 1);
      expect(await store.untold(10, id)).toEqual([]);
      expect(await store.untold(10)).toHaveLength(1);
    });

    it('keeps the first wish to end a session', async () => {
      const store = await make();
      const [one, two] = [request(1).id, request(2).id];
      await store.ask({ session: one, by: person('rui'), at: at(1), reason: 'first' });
      await store.ask({ session: one, by: person('eva'), at: at(2), reason: 'second' });
      expect(await store.asked([one, two])).toEqual([
        { session: one, by: person('rui'), at: at(1), reason: 'first' },
      ]);
      expect(await store.asked([])).toEqual([]);
    });
  });
}
