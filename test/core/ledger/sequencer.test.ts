import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Checkpoint, openCheckpoint } from '#core/ledger/checkpoint.ts';
import { stagingKey, tileKey } from '#core/ledger/layout.ts';
import { leafHash } from '#core/ledger/merkle.ts';
import { proveConsistency, visitEntries } from '#core/ledger/reader.ts';
import { Sequencer } from '#core/ledger/sequencer.ts';
import { stagingBytes } from '#core/ledger/staging.ts';
import { grow, TileTree } from '#core/ledger/tree.ts';
import { type FaultKind, Faults } from '#test/support/faulty-ports.ts';
import { MemoryHead, MemoryQueue } from '#test/support/memory-ledger.ts';
import { MemoryStore, memorySigner } from '#test/support/memory-ports.ts';
import { Killed, Turns } from '#test/support/turns.ts';

const ORIGIN = 'custody.example/ledger';

function world() {
  const ports = {
    objects: new MemoryStore(),
    head: new MemoryHead(),
    queue: new MemoryQueue(),
    signer: memorySigner(),
  };
  return { ...ports, sequencer: new Sequencer(ports, ORIGIN) };
}
type World = ReturnType<typeof world>;

const leaf = (n: number): Buffer => Buffer.from(`leaf ${n}`);
const fetchOf =
  ({ objects }: Pick<World, 'objects'>) =>
  (path: string) =>
    objects.get(tileKey(path));

function checkpoints({ head, signer }: Pick<World, 'head' | 'signer'>): Checkpoint[] {
  return head.history.map((note) => openCheckpoint(note, ORIGIN, signer.der));
}

/** The whole ledger, checked against its newest checkpoint. */
async function entriesOf(there: World): Promise<string[]> {
  const entries: string[] = [];
  const newest = checkpoints(there).at(-1)!;
  await visitEntries(newest, fetchOf(there), (entry) => entries.push(Buffer.from(entry).toString()));
  return entries;
}

async function add({ queue }: World, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n += 1) await queue.add(leaf(n));
}

describe('Sequencer', () => {
  it('does nothing when nothing is queued', async () => {
    const there = world();
    expect(await there.sequencer.step()).toEqual({ kind: 'nothing' });
    expect(there.head.history).toEqual([]);
  });

  it('commits what is queued under a signed checkpoint, and empties the queue', async () => {
    const there = world();
    await add(there, 0, 3);
    expect(await there.sequencer.step()).toEqual({ kind: 'committed', size: 3, leaves: 3 });
    expect(await entriesOf(there)).toEqual(['leaf 0', 'leaf 1', 'leaf 2']);
    expect(await there.queue.list(10)).toEqual([]);
    expect(await there.sequencer.step()).toEqual({ kind: 'nothing' });
  });

  it('grows across tiles, each checkpoint consistent with all before', async () => {
    const there = world();
    const sizes = [1, 255, 256, 257, 600, 5000];
    let from = 0;
    for (const size of sizes) {
      await add(there, from, size);
      while ((await there.sequencer.step()).kind === 'committed');
      from = size;
    }
    expect(await entriesOf(there)).toHaveLength(5000);
    const all = checkpoints(there);
    for (const older of all) await proveConsistency(older, all.at(-1)!, fetchOf(there));
  });

  it('takes no more than 4096 leaves in one commit', async () => {
    const there = world();
    await add(there, 0, 5000);
    expect(await there.sequencer.step()).toMatchObject({ leaves: 4096 });
    expect(await there.sequencer.step()).toMatchObject({ leaves: 904 });
  });

  it('is looked at cheaply while it is idle, and its own commit is not finished twice', async () => {
    const there = world();
    await add(there, 0, 3);
    await there.sequencer.step();
    there.objects.get = () => Promise.reject(new Error('nobody needs to read'));
    there.objects.put = () => Promise.reject(new Error('nobody needs to write'));
    expect(await there.sequencer.step()).toEqual({ kind: 'nothing' });
  });

  it('signs nothing over a head that is not its own', async () => {
    const there = world();
    await add(there, 0, 1);
    await there.sequencer.step();
    await add(there, 1, 2);
    const other = new Sequencer({ ...there, signer: memorySigner() }, ORIGIN);
    await expect(other.step()).rejects.toMatchObject({ code: 'format-invalid' });
    expect(there.head.history).toHaveLength(1);
  });

  it.each([
    ['tile/0/000.p/2', 'a tile'],
    ['tile/entries/000.p/2', 'a bundle'],
  ])('puts %s once: %s that stands there with other bytes is said, not replaced', async (path) => {
    const there = world();
    await there.objects.put(tileKey(path), Buffer.from('planted'));
    await add(there, 0, 2);
    await expect(there.sequencer.step()).rejects.toMatchObject({ code: 'state-damaged' });
    expect(Buffer.from(await there.objects.get(tileKey(path))).toString()).toBe('planted');
  });

  it.each<[what: string, change: (staged: Map<string, Uint8Array>, leaves: string[]) => void]>([
    ['without a tile', (tiles) => tiles.delete('tile/0/000.p/2')],
    ['with another tile', (tiles) => tiles.set('tile/0/000.p/2', Buffer.alloc(64))],
    ['with a tile too many', (tiles) => tiles.set('tile/0/001.p/1', Buffer.alloc(32))],
    ['that takes a leaf it does not hold', (_, leaves) => leaves.push(leafHash(leaf(7)).toString('hex'))],
  ])('signs nothing over a planted staging object %s', async (_, change) => {
    const there = world();
    await add(there, 0, 2);
    const empty = new TileTree(0, fetchOf(there));
    const { size, root, tiles } = await grow(empty, fetchOf(there), [leaf(0), leaf(1)]);
    const leaves = [leaf(0), leaf(1)].map((entry) => leafHash(entry).toString('hex'));
    const planted = new Map(tiles);
    change(planted, leaves);
    await there.objects.put(stagingKey(size, root), stagingBytes({ tiles: planted, leaves }));
    await expect(there.sequencer.step()).rejects.toMatchObject({ code: 'state-damaged' });
    expect(there.head.history).toEqual([]);
    expect(await there.queue.list(10)).toHaveLength(2);
  });

  it.each<[kind: FaultKind]>([['lost'], ['persisted-but-errored']])(
    'takes a store that cannot be read for one, never for one that was written to: %s',
    async (kind) => {
      const there = world();
      await add(there, 0, 2);
      const all = [0, 1, 2, 3].map(leaf);
      const { size, root, tiles } = await grow(new TileTree(0, fetchOf(there)), fetchOf(there), all);
      await there.sequencer.step();
      const leaves = all.map((entry) => leafHash(entry).toString('hex'));
      // A tile that ours has not, as the other began at a smaller tree: it is compared with the store's.
      const theirs = new Map([...tiles, ['tile/0/000.p/2', await fetchOf(there)('tile/0/000.p/2')]]);
      await there.objects.put(stagingKey(size, root), stagingBytes({ tiles: theirs, leaves }));
      await add(there, 2, 4);
      const readings: number[] = [];
      for (let nth = 1; nth < 20; nth += 1) {
        const faults = new Faults([{ point: 'objects.get', nth, kind }]);
        const objects = faults.wrap('objects', there.objects, { calls: ['get'] });
        const before = there.head.history.length;
        const failed = await new Sequencer({ ...there, objects }, ORIGIN).step().then(
          () => undefined,
          (error: unknown) => error,
        );
        if (faults.injected.length === 0) break;
        readings.push(nth);
        expect(failed).toMatchObject({ code: 'EIO' });
        if (there.head.history.length > before) break;
      }
      expect(readings.length).toBeGreaterThan(3);
      while ((await there.sequencer.step()).kind !== 'nothing');
      expect(await entriesOf(there)).toEqual(['leaf 0', 'leaf 1', 'leaf 2', 'leaf 3']);
    },
  );

  it('goes on over what a killed one staged, also from a smaller tree', async () => {
    const there = world();
    await add(there, 0, 2);
    const empty = new TileTree(0, fetchOf(there));
    const all = [0, 1, 2, 3].map(leaf);
    const { size, root, tiles } = await grow(empty, fetchOf(there), all);
    const leaves = all.map((entry) => leafHash(entry).toString('hex'));
    await there.sequencer.step();
    await there.objects.put(stagingKey(size, root), stagingBytes({ tiles, leaves }));
    await add(there, 2, 4);
    // What the killed one would have staged from nothing has partial tiles of one size only: the tree's own.
    expect(await there.sequencer.step()).toEqual({ kind: 'committed', size: 4, leaves: 2 });
    expect(await entriesOf(there)).toEqual(['leaf 0', 'leaf 1', 'leaf 2', 'leaf 3']);
  });

  it('any number at once, killed anywhere: every leaf once, and no checkpoint contradicts another', async () => {
    const turns = fc.array(fc.nat(3), { maxLength: 300 });
    const kills = fc.array(fc.nat(30), { maxLength: 8 });
    const batches = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(turns, kills, batches, async (order, deaths, added) => {
        const there = world();
        const turn = new Turns(order);
        let queued = 0;
        const adder = async (): Promise<void> => {
          const queue = turn.interleave(there.queue, 3, { in: Number.POSITIVE_INFINITY });
          for (const batch of added) {
            await queue.list(0);
            await add(there, queued, queued + batch);
            queued += batch;
          }
        };
        const worker = async (name: number): Promise<void> => {
          for (let life = 0; life < 12; life += 1) {
            const dies = { in: deaths[name + 3 * life] ?? Number.POSITIVE_INFINITY };
            const slow = <T extends object>(port: T): T => turn.interleave(port, name, dies);
            const { objects, head, queue, signer } = there;
            const ports = {
              objects: slow(objects),
              head: slow(head),
              queue: slow(queue),
              signer: slow(signer),
            };
            await stepOften(new Sequencer(ports, ORIGIN)).catch((error: unknown) => {
              if (!(error instanceof Killed)) throw error;
            });
          }
        };
        await turn.run([adder(), worker(0), worker(1), worker(2)]);
        while ((await there.sequencer.step()).kind !== 'nothing');
        const entries = await entriesOf(there);
        expect(entries.toSorted()).toEqual(Array.from({ length: queued }, (_, n) => `leaf ${n}`).toSorted());
        const all = checkpoints(there);
        for (const older of all) await proveConsistency(older, all.at(-1)!, fetchOf(there));
        expect(await there.queue.list(10)).toEqual([]);
      }),
      // Found by seeds -534247055, 1717930537 and -1910866175: one was killed while it compared what another had staged.
      {
        numRuns: 60,
        examples: [
          [[], [0, 7, 0, 0, 15, 0, 0, 24], [286, 290]],
          [[], [0, 20, 3, 0, 20], [141, 120, 100]],
          [[], [0, 18, 0, 0, 3, 0, 0, 20], [1, 32, 287, 40]],
        ],
      },
    );
  });
});

async function stepOften(sequencer: Sequencer): Promise<void> {
  for (let step = 0; step < 4; step += 1) await sequencer.step();
}
