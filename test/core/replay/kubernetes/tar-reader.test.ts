/** What GNU tar and Python's tarfile write, cut anywhere. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { copyOf } from '#core/replay/kubernetes/copy-reading.ts';
import { type TarEntry, TarReader } from '#core/replay/kubernetes/tar-reader.ts';
import { sha256 } from './support.ts';

const folder = mkdtempSync(join(tmpdir(), 'custody-tar-'));
afterAll(() => rmSync(folder, { recursive: true }));
const LONG = `${'deep/'.repeat(30)}${'n'.repeat(90)}.txt`;
mkdirSync(join(folder, 'deep/'.repeat(30)), { recursive: true });
writeFileSync(join(folder, 'a.txt'), 'hello');
writeFileSync(join(folder, 'big'), Buffer.alloc(70_000, 7));
writeFileSync(join(folder, LONG), 'long');

/** Longer than ustar has names. */
const LONGER = `${'é'.repeat(60)}.txt`;
writeFileSync(join(folder, LONGER), 'longer');

const tar = (format: string, ...names: string[]): Buffer =>
  execFileSync('tar', [`--format=${format}`, '-cf', '-', '-C', folder, ...names], { maxBuffer: 1 << 24 });

function entriesOf(archive: Uint8Array, cuts: readonly number[] = []): TarEntry[] {
  const reader = new TarReader();
  const entries: TarEntry[] = [];
  const places = [...cuts.map((cut) => cut % (archive.length + 1)), archive.length].toSorted((a, b) => a - b);
  let from = 0;
  for (const to of places) {
    entries.push(...reader.push(archive.subarray(from, to)));
    from = to;
  }
  return [...entries, ...reader.unfinished()];
}

const told = (entries: readonly TarEntry[]) =>
  entries.map(({ path, ...rest }) => ({ path: Buffer.from(path).toString(), ...rest }));

describe.each(['ustar', 'pax', 'gnu'])('an archive of the format %s', (format) => {
  const names = ['a.txt', 'big', 'deep/', ...(format === 'ustar' ? [] : [LONGER])];
  const archive = tar(format, ...names);
  it('gives its files with sizes and digests', () => {
    const found = told(entriesOf(archive));
    expect(found[0]).toEqual({ path: 'a.txt', type: 'file', size: 5, sha256: sha256('hello') });
    expect(found[1]).toEqual({
      path: 'big',
      type: 'file',
      size: 70_000,
      sha256: sha256(Buffer.alloc(70_000, 7)),
    });
    expect(found).toContainEqual({ path: LONG, type: 'file', size: 4, sha256: sha256('long') });
    const longer = { path: LONGER, type: 'file', size: 6, sha256: sha256('longer') };
    expect(found.filter(({ path }) => path === LONGER)).toEqual(format === 'ustar' ? [] : [longer]);
    expect(found).toContainEqual(expect.objectContaining({ path: 'deep/', type: 'folder', size: 0 }));
  });

  it('gives the same, wherever it is cut', () => {
    const whole = told(entriesOf(archive));
    fc.assert(
      fc.property(fc.array(fc.nat(archive.length), { maxLength: 20 }), (cuts) => {
        expect(told(entriesOf(archive, cuts))).toEqual(whole);
      }),
      { numRuns: 50 },
    );
  });
});

it('a file that did not come whole has no digest', () => {
  const archive = tar('ustar', 'big').subarray(0, 5000);
  expect(told(entriesOf(archive))).toEqual([{ path: 'big', type: 'file', size: 70_000 }]);
});

it('what is no archive says nothing, and is held no longer than a header', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), (bytes) => {
      expect(entriesOf(bytes)).toEqual([]);
    }),
  );
});

it.each([
  [['tar', 'cf', '-', '/tmp/x'], 'download'],
  [['sh', '-c', 'tar cf - /tmp/x | tail -c+1'], 'download'],
  [['tar', '-xmf', '-', '-C', '/tmp'], 'upload'],
  [['tar', 'tf', 'x'], undefined],
  [['cat', 'guitar'], undefined],
] as const)('the command %j is a copy: %s', (words, direction) => {
  expect(copyOf(words)).toBe(direction);
});
