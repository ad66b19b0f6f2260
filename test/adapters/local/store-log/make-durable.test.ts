import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { plainStore } from '#adapters/local/directory-store.ts';
import { foldersOf, makeDurable, syncEach } from '#adapters/local/store-log/make-durable.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'custody-durable-'));
const root = join(dataDir, 'store');
afterAll(() => rmSync(dataDir, { recursive: true }));

describe.each([
  ['one call', makeDurable],
  ['a call for each file', syncEach],
])('what makes places durable, by %s', (_how, durably) => {
  it('takes objects and databases, and what has gone meanwhile', async () => {
    const keys = ['a/x', 'a/b/y'].map((key) => `${key}${durably.name.toLowerCase()}`);
    for (const key of keys) await plainStore(root).put(key, Buffer.from('x'));
    writeFileSync(join(dataDir, 'index.sqlite-wal'), '');
    await expect(durably(root, new Set([...keys, 'gone/z']))).resolves.toBeUndefined();
  });
});

describe('what makes places durable', () => {
  it('rejects when it cannot', async () => {
    await plainStore(root).put('file', Buffer.from('x'));
    await expect(syncEach(root, new Set(['file/below']))).rejects.toMatchObject({ code: 'ENOTDIR' });
  });

  it('knows an object by all folders around it, up to the store', () => {
    expect(foldersOf('/s', 'a/b/c')).toEqual(['/s/a/b', '/s/a', '/s']);
    expect(foldersOf('/s', 'c')).toEqual(['/s']);
  });
});
