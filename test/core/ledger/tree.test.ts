import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { readBundle, tilePath } from '#core/ledger/tiles.ts';
import { MemoryTiles, numbered } from '#test/support/ledger-tree.ts';
import { type Mth, mthOf, naivePath, naiveProof } from '#test/support/naive-merkle.ts';

const TOTAL = 1100;
const entries = numbered(TOTAL);
const mth = mthOf(entries);
/** Sizes of a growing tree, now and then a multiple of a tile's width. */
const growth = fc
  .array(fc.oneof(fc.integer({ min: 1, max: 400 }), fc.constantFrom(1, 255, 256, 257, 512)), {
    minLength: 1,
    maxLength: 6,
  })
  .map((steps) => {
    const sizes = steps.map((_, i) => steps.slice(0, i + 1).reduce((sum, step) => sum + step));
    return sizes.filter((size) => size <= TOTAL);
  });

/** What the specification says a tree of `size` consists of: each path with its bytes. */
function specifiedTiles(size: number, all: readonly Uint8Array[], hashes: Mth): Map<string, Buffer> {
  const tiles = new Map<string, Buffer>();
  for (let level = 0; Math.floor(size / 256 ** level) > 0; level += 1) {
    const row = Math.floor(size / 256 ** level);
    const span = 256 ** level;
    for (let n = 0; n * 256 < row; n += 1) {
      const width = Math.min(256, row - n * 256);
      const parts = Array.from({ length: width }, (_, i) =>
        hashes((n * 256 + i) * span, (n * 256 + i + 1) * span),
      );
      tiles.set(tilePath(level, n, width), Buffer.concat(parts));
      if (level === 0)
        tiles.set(tilePath('entries', n, width), bundleOf(all.slice(n * 256, n * 256 + width)));
    }
  }
  return tiles;
}

function bundleOf(some: readonly Uint8Array[]): Buffer {
  return Buffer.concat(some.flatMap((e) => [Buffer.from([e.length >> 8, e.length & 255]), e]));
}

async function grownTo(sizes: readonly number[]): Promise<MemoryTiles> {
  const tiles = new MemoryTiles();
  for (const size of sizes) await tiles.append(entries.slice(tiles.size, size));
  return tiles;
}

describe('a growing tree', () => {
  it('makes exactly the tiles that are new, reads only what the old tree has, and has the root of the definition', async () => {
    await fc.assert(
      fc.asyncProperty(growth, async (sizes) => {
        const tiles = new MemoryTiles();
        for (const size of sizes) {
          const before = specifiedTiles(tiles.size, entries, mth);
          const made = await tiles.append(entries.slice(tiles.size, size));
          const after = [...specifiedTiles(size, entries, mth)].filter(([path]) => !before.has(path));
          expect(plain(made.tiles)).toEqual(plain(new Map(after)));
          expect(made).toMatchObject({ size, root: mth(0, size) });
          expect(tiles.fetched.splice(0).filter((path) => !before.has(path))).toEqual([]);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('is the same however it grew', async () => {
    const [slowly, at] = [await grownTo([1, 2, 255, 256, 257, 700]), await grownTo([700])];
    for (const [path, bytes] of at.objects) expect(slowly.objects.get(path)).toEqual(bytes);
  });

  it('by nothing makes nothing', async () => {
    const tiles = await grownTo([300]);
    expect(await tiles.append([])).toMatchObject({ size: 300, root: mth(0, 300), tiles: new Map() });
    expect(await new MemoryTiles().append([])).toMatchObject({ size: 0, root: mth(0, 0), tiles: new Map() });
  });

  it('does not grow over a damaged edge', async () => {
    const tiles = await grownTo([300]);
    tiles.objects.set('tile/0/001.p/44', new Uint8Array(32));
    await expect(tiles.append([Buffer.from('more')])).rejects.toMatchObject({ code: 'format-invalid' });
  });

  it('of 70,000 leaves has the tiles of the specification', async () => {
    const all = numbered(70_000);
    const tiles = new MemoryTiles();
    const { root } = await tiles.append(all);
    const hashes = mthOf(all);
    expect(root).toEqual(hashes(0, 70_000));
    const paths = [...tiles.objects.keys()];
    const count = (pattern: RegExp) => paths.filter((path) => pattern.test(path)).length;
    expect([count(/^tile\/0\/\d{3}$/), count(/^tile\/entries\/\d{3}$/), count(/^tile\/1\/\d{3}$/)]).toEqual([
      273, 273, 1,
    ]);
    expect(paths.filter((path) => path.includes('.p/')).sort()).toEqual([
      'tile/0/273.p/112',
      'tile/1/001.p/17',
      'tile/2/000.p/1',
      'tile/entries/273.p/112',
    ]);
    await expectProofs(tiles, 70_000, [0, 65_535, 65_536, 69_888, 69_999], hashes);
  });
});

async function expectProofs(
  tiles: MemoryTiles,
  size: number,
  at: readonly number[],
  hashes: Mth,
): Promise<void> {
  const tree = tiles.tree(size);
  for (const index of at) {
    expect(await tree.inclusionProof(index)).toEqual(naivePath(index, 0, size, hashes));
    expect(await tree.consistencyProof(index + 1)).toEqual(naiveProof(index + 1, size, hashes));
  }
}

describe('a tree in tiles', () => {
  it('has the proofs of the definitions, at every size it was grown to', async () => {
    await fc.assert(
      fc.asyncProperty(growth, fc.array(fc.nat(), { minLength: 4, maxLength: 4 }), async (sizes, at) => {
        const tiles = await grownTo(sizes);
        for (const size of sizes) {
          expect(await tiles.tree(size).root()).toEqual(mth(0, size));
          await expectProofs(
            tiles,
            size,
            at.map((n) => n % size),
            mth,
          );
        }
      }),
      { numRuns: 25 },
    );
  });

  it('has its entries in bundles', async () => {
    const tree = (await grownTo([300])).tree();
    expect(await tree.bundle(0)).toEqual(entries.slice(0, 256));
    expect(await tree.bundle(1)).toEqual(entries.slice(256, 300));
  });

  it('reads each tile once', async () => {
    const tiles = await grownTo([1000]);
    const tree = tiles.tree();
    tiles.fetched.length = 0;
    for (let index = 0; index < 1000; index += 50) await tree.inclusionProof(index);
    expect(tiles.fetched.length).toBe(new Set(tiles.fetched).size);
  });

  it('empty, has a root and the empty consistency proof', async () => {
    const tree = new MemoryTiles().tree();
    expect(await tree.root()).toEqual(mth(0, 0));
    expect(await tree.consistencyProof(0)).toEqual([]);
    expect(await (await grownTo([5])).tree().consistencyProof(0)).toEqual([]);
  });

  test.each([-1, 0.5, 5, 6, Number.NaN, Number.POSITIVE_INFINITY])('has no leaf %d', async (index) => {
    const tree = (await grownTo([5])).tree();
    await expect(tree.inclusionProof(index)).rejects.toMatchObject({ code: 'internal' });
  });

  test.each([-1, 0.5, 6, Number.NaN, Number.POSITIVE_INFINITY])('never had %d leaves', async (size) => {
    const tree = (await grownTo([5])).tree();
    await expect(tree.consistencyProof(size)).rejects.toMatchObject({ code: 'internal' });
  });

  it('rejects for a tile that is missing or has another size', async () => {
    const tiles = await grownTo([300]);
    tiles.objects.delete('tile/0/001.p/44');
    await expect(tiles.tree().root()).rejects.toMatchObject({ code: 'not-found' });
    tiles.objects.set('tile/0/001.p/44', new Uint8Array(43 * 32));
    await expect(tiles.tree().root()).rejects.toMatchObject({ code: 'format-invalid' });
  });

  it('has bundles whose entries hash to its tiles', async () => {
    const tiles = await grownTo([300]);
    const bundle = readBundle(tiles.objects.get('tile/entries/001.p/44')!, 44, 'bundle');
    const hashes = Buffer.concat(bundle.map((_, i) => mth(256 + i, 257 + i)));
    expect(Buffer.from(tiles.objects.get('tile/0/001.p/44')!)).toEqual(hashes);
  });
});

function plain(tiles: ReadonlyMap<string, Uint8Array>): Record<string, string> {
  const sorted = [...tiles].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.map(([path, bytes]) => [path, Buffer.from(bytes).toString('base64')]));
}
