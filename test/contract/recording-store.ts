import { describe, expect, it } from 'vitest';
import type { RecordingSink, RecordingSource } from '#core/recording/ports.ts';

type Store = RecordingSink & RecordingSource;

/** What a stand-in for a store cannot do though the store itself can: why, in words, and where it is shown instead. */
export interface LeftOut {
  readonly putOnce?: string;
}

/** The promises of RecordingSink and RecordingSource, for every adapter. `make` gives an empty store. */
export function recordingStoreContract(
  name: string,
  make: () => Promise<Store>,
  { putOnce }: LeftOut = {},
): void {
  describe(`recording store contract: ${name}`, () => {
    const bytes = (text: string): Uint8Array => Buffer.from(text);

    it('gives back exactly what was put', async () => {
      const store = await make();
      const content = Uint8Array.from({ length: 100_000 }, (_, i) => i % 251);
      await store.put('sessions/a/00000000.seg', content);
      expect(Buffer.from(await store.get('sessions/a/00000000.seg')).equals(content)).toBe(true);
      expect(await store.size('sessions/a/00000000.seg')).toBe(100_000);
    });

    it('never replaces an object, and says so (security case 20)', async ({ skip }) => {
      if (putOnce !== undefined) skip(putOnce);
      const store = await make();
      await store.put('sessions/a/open.json', bytes('first'));
      await expect(store.put('sessions/a/open.json', bytes('second'))).rejects.toMatchObject({
        code: 'already-exists',
      });
      expect(Buffer.from(await store.get('sessions/a/open.json')).toString()).toBe('first');
    });

    it('lets exactly one of many concurrent puts win', async ({ skip }) => {
      if (putOnce !== undefined) skip(putOnce);
      const store = await make();
      const puts = Array.from({ length: 20 }, (_, i) => store.put('sessions/a/x', bytes(`writer ${i}`)));
      const settled = await Promise.allSettled(puts);
      expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      const winner = settled.findIndex(({ status }) => status === 'fulfilled');
      expect(Buffer.from(await store.get('sessions/a/x')).toString()).toBe(`writer ${winner}`);
    });

    it('lists the names directly under a prefix, in order, and nothing else', async () => {
      const store = await make();
      for (const key of ['sessions/b/2', 'sessions/b/1', 'sessions/ba/3']) await store.put(key, bytes('x'));
      expect(await store.list('sessions/b/')).toEqual(['1', '2']);
      expect(await store.list('sessions/')).toContain('b');
      expect(await store.list('sessions/none/')).toEqual([]);
    });

    it('lists sizes with the names, and -1 for what is no object', async () => {
      const store = await make();
      for (const [key, text] of [
        ['sessions/s/b', '12'],
        ['sessions/s/a', ''],
        ['sessions/s/c/d', '1'],
        ['sessions/sa', '1'],
      ] as const)
        await store.put(key, bytes(text));
      const sizes = await store.sizes('sessions/s/');
      expect([...sizes]).toEqual([
        ['a', 0],
        ['b', 2],
        ['c', -1],
      ]);
      expect([...sizes.keys()]).toEqual(await store.list('sessions/s/'));
      expect([...(await store.sizes('sessions/none/'))]).toEqual([]);
    });

    it('rejects with not-found for what is not there', async () => {
      const store = await make();
      await expect(store.get('sessions/a/none')).rejects.toMatchObject({ code: 'not-found' });
      await expect(store.size('sessions/a/none')).rejects.toMatchObject({ code: 'not-found' });
    });

    it('lists what is at its root', async () => {
      const store = await make();
      for (const key of ['sessions/b/2', 'ledger/x']) await store.put(key, bytes('x'));
      expect(await store.list('')).toEqual(expect.arrayContaining(['ledger', 'sessions']));
    });

    it('gives no more of an object than was asked for (security case 21)', async () => {
      const store = await make();
      await store.put('sessions/a/open.json', bytes('12345'));
      expect(await store.get('sessions/a/open.json', 5)).toHaveLength(5);
      await expect(store.get('sessions/a/open.json', 4)).rejects.toMatchObject({ code: 'format-invalid' });
    });

    it('takes no key that leaves the store (security case 14)', async () => {
      const store = await make();
      for (const key of ['../x', 'a/../../x', '/etc/x', 'a//b', '', 'a/.hidden', 'a\0b']) {
        await expect(store.put(key, bytes('x')), key).rejects.toMatchObject({ code: 'internal' });
        await expect(store.get(key), key).rejects.toMatchObject({ code: 'internal' });
      }
    });
  });
}
