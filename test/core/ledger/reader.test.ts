import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Checkpoint } from '#core/ledger/checkpoint.ts';
import { proveConsistency, proveInclusion, visitEntries } from '#core/ledger/reader.ts';
import { MemoryTiles, numbered } from '#test/support/ledger-tree.ts';
import { mthOf, naivePath, naiveProof } from '#test/support/naive-merkle.ts';

const LEDGER_ALTERED = { code: 'ledger-altered' };
const SIZE = 600;
const entries = numbered(SIZE);
const mth = mthOf(entries);
const at = (size: number, root = mth(0, size)): Checkpoint => ({ origin: 'ledger.example', size, root });
const sizes = fc.integer({ min: 0, max: SIZE });
/** A ledger that had a checkpoint at each hundred. */
const honest = await grown(
  entries,
  Array.from({ length: SIZE / 100 }, (_, i) => (i + 1) * 100),
);
const hundreds = fc.constantFrom(100, 200, 300, 400, 500, 600);

async function grown(all: readonly Uint8Array[], steps: readonly number[]): Promise<MemoryTiles> {
  const tiles = new MemoryTiles();
  for (const size of steps) await tiles.append(all.slice(tiles.size, size));
  return tiles;
}

function copy(tiles: MemoryTiles): MemoryTiles {
  const copied = new MemoryTiles();
  for (const [path, bytes] of tiles.objects) copied.objects.set(path, Uint8Array.from(bytes));
  return copied;
}

/** The honest ledger with one bit of one object flipped. */
function damaged(which: (path: string) => boolean, where: number, bit: number): MemoryTiles {
  const tiles = copy(honest);
  const paths = [...tiles.objects.keys()].filter(which);
  const bytes = tiles.objects.get(paths[where % paths.length]!)!;
  bytes[bit % bytes.length]! ^= 1 << (bit % 8);
  return tiles;
}

async function visited(checkpoint: Checkpoint, { fetch }: MemoryTiles): Promise<Buffer[]> {
  const seen: Buffer[] = [];
  await visitEntries(checkpoint, fetch, (entry, index) => {
    expect(index).toBe(seen.length);
    seen.push(Buffer.from(entry));
  });
  return seen;
}

describe('the entries of a ledger', () => {
  it('are visited in order, at every size', async () => {
    for (const size of [0, 1, 2, 255, 256, 257, 511, 512, 513]) {
      expect(await visited(at(size), await grown(entries, size === 0 ? [] : [size]))).toEqual(
        entries.slice(0, size),
      );
    }
  });

  it('are visited up to the checkpoint, not further', async () => {
    expect(await visited(at(300), honest)).toEqual(entries.slice(0, 300));
  });

  it('do not count under another root', async () => {
    await expect(visited(at(300, mth(0, 299)), honest)).rejects.toMatchObject(LEDGER_ALTERED);
    await expect(visited(at(0, mth(0, 1)), honest)).rejects.toMatchObject(LEDGER_ALTERED);
    await expect(visited(at(300, Buffer.alloc(0)), honest)).rejects.toMatchObject(LEDGER_ALTERED);
  });

  it('do not count when one of them changed, is missing, or changed places with another', async () => {
    const forms = [
      entries.with(120, Buffer.from('another')),
      [...entries.slice(0, 120), ...entries.slice(121, 300), Buffer.from('one more')],
      entries.with(120, entries[121]!).with(121, entries[120]!),
    ];
    for (const all of forms) {
      await expect(visited(at(300), await grown(all, [300]))).rejects.toMatchObject(LEDGER_ALTERED);
    }
  });

  it('do not count, or cannot be read, when a bit of a bundle they are in is flipped', async () => {
    const bundle = (path: string) => /^tile\/entries\/(?:000|001|002\.p\/88)$/.test(path);
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), async (where, bit) => {
        await expect(visited(at(SIZE), damaged(bundle, where, bit))).rejects.toMatchObject({
          code: expect.stringMatching(/^(?:ledger-altered|format-invalid)$/),
        });
      }),
      { numRuns: 40 },
    );
  });
});

describe('inclusion', () => {
  it('is proven for every entry, with the proof of the definition', async () => {
    await fc.assert(
      fc.asyncProperty(hundreds, fc.nat(), async (size, n) => {
        const index = n % size;
        const proof = await proveInclusion(at(size), honest.fetch, index, entries[index]!);
        expect(proof).toEqual(naivePath(index, 0, size, mth));
      }),
    );
  });

  it.each([
    ['another entry', at(300), 7, entries[8]!, 'ledger-altered'],
    ['another place', at(300), 8, entries[7]!, 'ledger-altered'],
    ['another root', at(300, mth(0, 299)), 7, entries[7]!, 'ledger-altered'],
    ['a place behind the end', at(300), 300, entries[300]!, 'internal'],
  ])('is not proven for %s', async (_, checkpoint, index, entry, code) => {
    await expect(proveInclusion(checkpoint, honest.fetch, index, entry)).rejects.toMatchObject({ code });
  });

  it('is never proven wrongly, whichever bit of a tile is flipped', async () => {
    const tile = (path: string) => !path.startsWith('tile/entries');
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), hundreds, fc.nat(), async (where, bit, size, n) => {
        const { fetch } = damaged(tile, where, bit);
        const index = n % size;
        const [result] = await Promise.allSettled([proveInclusion(at(size), fetch, index, entries[index]!)]);
        const right = { status: 'fulfilled', value: naivePath(index, 0, size, mth) };
        const refused = { status: 'rejected', reason: expect.objectContaining(LEDGER_ALTERED) };
        expect(result).toEqual(result.status === 'fulfilled' ? right : refused);
      }),
    );
  });

  it('is not proven when the tile itself has changed', async () => {
    const { fetch } = damaged((path) => path === 'tile/0/000', 0, 32 * 7);
    await expect(proveInclusion(at(300), fetch, 6, entries[6]!)).rejects.toMatchObject(LEDGER_ALTERED);
  });
});

describe('consistency', () => {
  it('is proven from every earlier size, with the proof of the definition', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, hundreds, async (older, newer) => {
        fc.pre(older <= newer);
        const proof = await proveConsistency(at(older), at(newer), honest.fetch);
        expect(proof).toEqual(older === 0 ? [] : naiveProof(older, newer, mth));
      }),
    );
  });

  it('is not proven with a ledger that was rolled back', async () => {
    await expect(proveConsistency(at(300), at(200), honest.fetch)).rejects.toMatchObject({
      ...LEDGER_ALTERED,
      message: 'the ledger was rolled back: it had 300 leaves and now has 200',
    });
  });

  it('is not proven with a fork, wherever it left the ledger', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 300 }), fc.nat(), async (older, n) => {
        const all = entries.with(n % older, Buffer.from('another'));
        const fork = await grown(all, [300]);
        const newer = at(300, mthOf(all)(0, 300));
        await expect(proveConsistency(at(older), newer, fork.fetch)).rejects.toMatchObject(LEDGER_ALTERED);
      }),
      { numRuns: 20 },
    );
  });

  it('is not proven between two checkpoints of the same size that differ', async () => {
    await expect(proveConsistency(at(300), at(300, mth(0, 299)), honest.fetch)).rejects.toMatchObject(
      LEDGER_ALTERED,
    );
  });

  it('is not proven from an empty ledger that was not empty', async () => {
    await expect(proveConsistency(at(0, mth(0, 1)), at(300), honest.fetch)).rejects.toMatchObject(
      LEDGER_ALTERED,
    );
  });
});
