import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { directoryStore } from '#adapters/local/directory-store.ts';
import { createSignerKey, fileSigner } from '#adapters/local/file-signer.ts';
import { localLeafQueue, localLedgerHead } from '#adapters/local/ledger.ts';
import { openCheckpoint } from '#core/ledger/checkpoint.ts';
import { LOCAL_ORIGIN, tileKey } from '#core/ledger/layout.ts';
import { visitEntries } from '#core/ledger/reader.ts';
import { leafQueueContract } from '#test/contract/leaf-queue.ts';
import { ledgerHeadContract } from '#test/contract/ledger-head.ts';

const PROCESS = fileURLToPath(new URL('../../support/ledger-process.ts', import.meta.url));
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'custody-ledger-'));
  folders.push(made);
  return made;
}

ledgerHeadContract('SQLite', () => {
  const shared = folder();
  return () => localLedgerHead(shared);
});
leafQueueContract('SQLite', () => {
  const shared = folder();
  return () => localLeafQueue(shared);
});

describe('the local ledger', () => {
  it('says so when its file is not a database', () => {
    const damaged = folder();
    writeFileSync(
      join(damaged, 'ledger.sqlite'),
      'nothing that SQLite wrote, and long enough to be looked at',
    );
    expect(() => localLedgerHead(damaged)).toThrow('cannot be opened');
    expect(() => localLeafQueue(damaged)).toThrow('cannot be opened');
  });

  it('grown by three processes at once has every leaf once', async () => {
    const shared = folder();
    createSignerKey(shared);
    const names = ['a', 'b', 'c'];
    await Promise.all(
      names.map((name) => promisify(execFile)(process.execPath, [PROCESS, shared, name, '25'])),
    );
    const store = directoryStore(join(shared, 'store'));
    const head = await localLedgerHead(shared).read();
    const checkpoint = openCheckpoint(head!.checkpoint, LOCAL_ORIGIN, await fileSigner(shared).publicKey());
    const entries: string[] = [];
    await visitEntries(
      checkpoint,
      (path) => store.get(tileKey(path)),
      (entry) => entries.push(Buffer.from(entry).toString()),
    );
    const expected = names.flatMap((name) => Array.from({ length: 25 }, (_, n) => `${name} ${n}`));
    expect(entries.sort()).toEqual(expected.sort());
    expect(await localLeafQueue(shared).list(10)).toEqual([]);
  });
});
