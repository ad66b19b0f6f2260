import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { directoryStore } from '#adapters/local/directory-store.ts';
import { createSignerKey, fileSigner } from '#adapters/local/file-signer.ts';
import { localLedgerHead } from '#adapters/local/ledger.ts';
import { signCheckpoint } from '#core/ledger/checkpoint.ts';
import { LOCAL_ORIGIN, stagingKey } from '#core/ledger/layout.ts';
import { stagingBytes } from '#core/ledger/staging.ts';
import { grow, TileTree } from '#core/ledger/tree.ts';
import { ledgerView } from '#local/api/ledger-view.ts';

test('a commit whose tiles are not in their places yet is read from where they are staged', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'custody-ledger-view-'));
  const none = (path: string): Promise<Uint8Array> => Promise.reject(new Error(path));
  createSignerKey(folder);
  const { size, root, tiles } = await grow(new TileTree(0, none), none, [Buffer.from('a leaf')]);
  const staging = stagingBytes({ tiles, leaves: [] });
  await directoryStore(join(folder, 'store')).put(stagingKey(size, root), staging);
  const head = localLedgerHead(folder);
  const view = await ledgerView(folder, join(folder, 'store'));
  await expect(view.fetch([...tiles.keys()][0]!)).rejects.toMatchObject({ code: 'not-found' });
  await head.swap(undefined, await signCheckpoint({ origin: LOCAL_ORIGIN, size, root }, fileSigner(folder)));
  head.close();
  expect((await view.newest())!.checkpoint.size).toBe(1);
  for (const [path, bytes] of tiles) expect(Buffer.from(await view.fetch(path))).toEqual(Buffer.from(bytes));
  rmSync(folder, { recursive: true });
});
