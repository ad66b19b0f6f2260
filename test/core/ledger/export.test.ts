import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '#core/ledger/checkpoint.ts';
import { exportLedger } from '#core/ledger/export.ts';
import { CHECKPOINT, tileKey } from '#core/ledger/layout.ts';
import { visitEntries } from '#core/ledger/reader.ts';
import { Sequencer } from '#core/ledger/sequencer.ts';
import { TileTree } from '#core/ledger/tree.ts';
import { MemoryHead, MemoryQueue } from '#test/support/memory-ledger.ts';
import { MemoryStore, memorySigner } from '#test/support/memory-ports.ts';

const ORIGIN = 'custody.example/ledger';

async function ledger(size: number) {
  const [objects, head, queue, signer] = [
    new MemoryStore(),
    new MemoryHead(),
    new MemoryQueue(),
    memorySigner(),
  ];
  const sequencer = new Sequencer({ objects, head, queue, signer }, ORIGIN);
  for (let n = 0; n < size; n += 1) {
    await queue.add(Buffer.from(`entry ${n}`));
    if (n % 300 === 1) await sequencer.step();
  }
  while ((await sequencer.step()).kind !== 'nothing');
  const note = head.history.at(-1)!;
  const fetch = (path: string): Promise<Uint8Array> => objects.get(tileKey(path));
  return { objects, note, checkpoint: openCheckpoint(note, ORIGIN, signer.der), fetch };
}

describe('exportLedger', () => {
  it.each([1, 255, 256, 257, 700])(
    'copies all that a ledger of %d leaves needs, and nothing else',
    async (size) => {
      const { note, checkpoint, fetch } = await ledger(size);
      const copy = new MemoryStore();
      await exportLedger(note, checkpoint, fetch, copy);
      await exportLedger(note, checkpoint, fetch, copy);
      const read = new Set<string>([CHECKPOINT]);
      const fromCopy = (path: string): Promise<Uint8Array> => {
        read.add(tileKey(path));
        return copy.get(tileKey(path));
      };
      expect(Buffer.from(await copy.get(CHECKPOINT)).toString()).toBe(note);
      await visitEntries(checkpoint, fromCopy, () => undefined);
      const tree = new TileTree(size, fromCopy);
      for (let index = 0; index < size; index += 1) await tree.inclusionProof(index);
      expect(await tree.root()).toEqual(checkpoint.root);
      const needed = [...copy.objects.keys()].filter((key) => !read.has(key));
      // A tree of one leaf is its leaf; the tile above a full one is what larger trees are read from.
      expect(needed.every((key) => /tile\/[01]\/000(\.p\/\d+)?$/.test(key))).toBe(true);
    },
  );

  it('does not copy a ledger whose entries do not hash to its checkpoint', async () => {
    const { objects, note, checkpoint, fetch } = await ledger(5);
    objects.objects.set(tileKey('tile/entries/000.p/5'), new Uint8Array(50));
    const copy = new MemoryStore();
    await expect(exportLedger(note, checkpoint, fetch, copy)).rejects.toMatchObject({ name: 'CustodyError' });
    expect(copy.objects.size).toBe(0);
  });
});
