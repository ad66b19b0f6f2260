import { describe, expect, it } from 'vitest';
import type { SandboxStore } from '#core/sandboxes/ports.ts';
import type { Sandbox } from '#core/sandboxes/sandbox.ts';
import type { Given } from './given.ts';

export function aSandbox(n: number, more: Partial<Sandbox> = {}): Sandbox {
  return {
    id: `019ad029-1c00-7a61-9f43-${String(n).padStart(12, '0')}`,
    version: 0,
    ...{ target: 'sandbox-db', from: 'orders-db', at: '2026-11-29T13:58:12.345Z' },
    by: { issuer: 'https://id.example.com', subject: 'dev-1', email: 'dana@example.com' },
    state: 'making',
    createdAt: '2026-11-29T14:00:00.000Z',
    until: '2026-11-29T15:00:00.000Z',
    gone: false,
    ...more,
  };
}

/** `make`: one store, as two processes have it. */
export function sandboxesContract(
  name: string,
  make: () => Given<{ readonly store: SandboxStore; readonly other: SandboxStore }>,
): void {
  describe(`${name} keeps sandboxes`, () => {
    it('for every process at once, oldest first', async () => {
      const { store, other } = await make();
      const [first, second] = [aSandbox(1), aSandbox(2, { session: '019ad027-7470-7a61-9f43-0b9a7c1d2e3f' })];
      await store.create(second);
      await other.create(first);
      expect(await store.present()).toEqual([first, second]);
      expect(await other.get(second.id)).toEqual(second);
      await expect(store.get(aSandbox(3).id)).rejects.toMatchObject({ code: 'not-found' });
    });

    it('each once', async () => {
      const { store, other } = await make();
      await store.create(aSandbox(1));
      await expect(other.create(aSandbox(1, { target: 'other' }))).rejects.toMatchObject({
        code: 'already-exists',
      });
      expect(await store.present()).toEqual([aSandbox(1)]);
    });

    it('and of two changes at once takes one', async () => {
      const { store, other } = await make();
      await store.create(aSandbox(1));
      const ready = aSandbox(1, { version: 1, state: 'ready', address: { host: '127.0.0.1', port: 1 } });
      const removed = aSandbox(1, { version: 1, state: 'removed' });
      const both = await Promise.allSettled([store.change(ready), other.change(removed)]);
      expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
      expect(both.find(({ status }) => status === 'rejected')).toMatchObject({
        reason: { code: 'conflict' },
      });
      const kept = await store.get(ready.id);
      expect([ready, removed]).toContainEqual(kept);
      await expect(store.change(aSandbox(7, { version: 1 }))).rejects.toMatchObject({ code: 'conflict' });
    });

    it('that are gone only for who names them', async () => {
      const { store } = await make();
      await store.create(aSandbox(1));
      await store.create(aSandbox(2));
      const gone = aSandbox(1, { version: 1, state: 'removed', gone: true });
      await store.change(gone);
      expect(await store.present()).toEqual([aSandbox(2)]);
      expect(await store.get(gone.id)).toEqual(gone);
    });
  });
}
