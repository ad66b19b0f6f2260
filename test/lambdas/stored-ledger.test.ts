import { expect, test } from 'vitest';
import { signCheckpoint } from '#core/ledger/checkpoint.ts';
import { LOCAL_ORIGIN, stagingKey, tileKey } from '#core/ledger/layout.ts';
import { stagingBytes } from '#core/ledger/staging.ts';
import { grow, TileTree } from '#core/ledger/tree.ts';
import { storedLedger } from '#lambdas/ledger/stored-ledger.ts';
import { MemoryHead } from '#test/support/memory-ledger.ts';
import { MemoryStore, memorySigner } from '#test/support/memory-ports.ts';

test('a commit whose tiles are not in their places yet is read from where they are staged', async () => {
  const [head, store, signer] = [new MemoryHead(), new MemoryStore(), memorySigner()];
  const none = (path: string): Promise<Uint8Array> => Promise.reject(new Error(path));
  const { size, root, tiles } = await grow(new TileTree(0, none), none, [Buffer.from('a leaf')]);
  await store.put(stagingKey(size, root), stagingBytes({ tiles, leaves: [] }));
  const ledger = storedLedger(LOCAL_ORIGIN, { head, store, signer });
  const [path] = [...tiles.keys()];
  await expect(ledger.fetch(path!)).rejects.toMatchObject({ code: 'not-found' });
  await head.swap(undefined, await signCheckpoint({ origin: LOCAL_ORIGIN, size, root }, signer));
  expect((await ledger.newest())!.checkpoint.size).toBe(1);
  for (const [path, bytes] of tiles)
    expect(Buffer.from(await ledger.fetch(path))).toEqual(Buffer.from(bytes));
  // What is in its place counts.
  await store.put(tileKey(path!), Buffer.from('in its place'));
  expect(Buffer.from(await ledger.fetch(path!)).toString()).toBe('in its place');
});
