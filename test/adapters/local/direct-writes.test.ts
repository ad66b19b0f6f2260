import { closeSync, constants, mkdtempSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DirectWrites, O_DIRECT } from '#adapters/local/direct-writes.ts';
import { plainStore } from '#adapters/local/directory-store.ts';

const KEY = 'sessions/a/00000000.seg';

const folder = (): string => mkdtempSync(join(tmpdir(), 'custody-direct-'));
const bytesOf = (length: number): Buffer =>
  Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 2_654_435_761) >>> 24));
const same = (root: string, bytes: Buffer): boolean => readFileSync(join(root, KEY)).equals(bytes);

/** Not every file system does. */
function takesDirectly(): boolean {
  try {
    closeSync(openDirectly());
    return true;
  } catch {
    return false;
  }
}

function openDirectly(path = join(folder(), 'file')): number {
  return openSync(path, constants.O_CREAT | constants.O_WRONLY | O_DIRECT!);
}

describe.runIf(O_DIRECT !== undefined && takesDirectly())('direct writes', () => {
  it('are what the disk takes: from memory and of lengths that it can', async () => {
    const path = join(folder(), 'file');
    const file = openDirectly(path);
    await new DirectWrites().write(file, bytesOf(70_001));
    closeSync(file);
    expect(readFileSync(path).equals(bytesOf(70_001))).toBe(true);
  });
});

describe('a large object in a folder', () => {
  // Around a disk's block, and around the pieces that are written.
  it.each([65_537, 69_632, 69_633, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, (2 << 20) + 4_097])(
    'of %d bytes is those bytes and no more',
    async (length) => {
      const root = folder();
      const store = plainStore(root);
      await store.put('sessions/a/before', Buffer.alloc(3 << 20, 0xee));
      await store.put(KEY, bytesOf(length));
      expect(same(root, bytesOf(length))).toBe(true);
    },
  );

  it('is written by several at once, each its own', async () => {
    const root = folder();
    const store = plainStore(root);
    await store.put('sessions/a/before', Buffer.alloc(3 << 20, 0xee));
    const all = [1, 2, 3, 4, 5].map((n) => Buffer.alloc((3 << 20) + n, n));
    await Promise.all(all.map((bytes, n) => store.put(`sessions/a/${n}`, bytes)));
    expect(all.map((bytes, n) => readFileSync(join(root, `sessions/a/${n}`)).equals(bytes))).not.toContain(
      false,
    );
  });

  it('goes through the page cache where the disk takes nothing directly, and leaves nothing behind', async () => {
    const root = folder();
    const refused = Object.assign(new Error('EINVAL: invalid argument, write'), { code: 'EINVAL' });
    await plainStore(root, { write: () => Promise.reject(refused) }).put(KEY, bytesOf(100_000));
    expect(same(root, bytesOf(100_000))).toBe(true);
    expect(readdirSync(join(root, '.staging'))).toEqual([]);
  });

  it('is none when the disk fails, and leaves nothing behind', async () => {
    const root = folder();
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    const store = plainStore(root, { write: () => Promise.reject(full) });
    await expect(store.put(KEY, bytesOf(100_000))).rejects.toThrow('ENOSPC');
    expect(readdirSync(join(root, '.staging'))).toEqual([]);
    expect(await store.size(KEY).catch(() => 'none')).toBe('none');
  });
});
