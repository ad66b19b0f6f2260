import { beforeEach, describe, expect, it } from 'vitest';
import { AuditFindings } from '#core/ledger/audit-findings.ts';
import { walkLedger } from '#core/ledger/audit-tiles.ts';
import type { Checkpoint } from '#core/ledger/checkpoint.ts';
import { pathsOf } from '#core/ledger/export.ts';
import { stagingKey, tileKey } from '#core/ledger/layout.ts';
import { type IsUnfinished, StagedTiles } from '#core/ledger/staged-tiles.ts';
import { stagingBytes } from '#core/ledger/staging.ts';
import { MemoryTiles, numbered } from '#test/support/ledger-tree.ts';
import { MemoryStore } from '#test/support/memory-ports.ts';

/** Two full tiles of hashes and a partial one, and what they hash to; partial ones of the tree as it was. */
const SIZE = 256 + 256 + 44;
const EARLIER = SIZE - 20;

let store: MemoryStore;
let checkpoint: Checkpoint;

/** A ledger of `size` leaves that had `earlier` before. */
async function ledgerOf(earlier: number, size: number): Promise<void> {
  const tiles = new MemoryTiles();
  await tiles.append(numbered(earlier));
  await tiles.append(numbered(size).slice(earlier));
  checkpoint = { origin: 'x', size, root: await tiles.tree().root() };
  store = new MemoryStore();
  for (const [path, bytes] of tiles.objects) await store.put(tileKey(path), bytes);
}

beforeEach(() => ledgerOf(EARLIER, SIZE));

interface Walked {
  readonly isWhole: boolean;
  readonly unplaced?: number;
  readonly seen: number;
  readonly findings: readonly string[];
}

async function walked(isUnfinished?: IsUnfinished): Promise<Walked> {
  const findings = new AuditFindings();
  let seen = 0;
  const { sawAll, unplaced } = await walkLedger(
    checkpoint,
    store,
    findings,
    () => (seen += 1),
    new StagedTiles(checkpoint, store, isUnfinished),
  );
  return {
    isWhole: sawAll,
    ...(unplaced > 0 && { unplaced }),
    seen,
    findings: findings.all().map(({ code, message }) => `${code}: ${message}`),
  };
}

/** What a walk finds while the object is another one, or gone. */
async function walkedWith(key: string, bytes: Uint8Array | undefined): Promise<Walked> {
  const before = store.objects.get(key)!;
  if (bytes === undefined) store.objects.delete(key);
  else store.objects.set(key, bytes);
  try {
    return await walked();
  } finally {
    store.objects.set(key, before);
  }
}

function flipped(key: string, at: number): Uint8Array {
  const bytes = Uint8Array.from(store.objects.get(key)!);
  bytes[at % bytes.length]! ^= 1;
  return bytes;
}

const HASH_TILES = ['tile/0/000', 'tile/0/001', 'tile/0/002.p/44', 'tile/1/000.p/2'];
/** Of the tree as it was: for readers who hold its checkpoint. */
const EARLIER_TILES = ['tile/0/002.p/24', 'tile/entries/002.p/24'];

describe('the tiles of a ledger', () => {
  it('are whole: all are read, of every level, and every entry is seen', async () => {
    expect(await walked()).toEqual({ isWhole: true, seen: SIZE, findings: [] });
    expect([...pathsOf(SIZE)].filter((path) => !store.objects.has(tileKey(path)))).toEqual([]);
  });

  it.each([...HASH_TILES, ...EARLIER_TILES])(
    '%s altered, cut or of something else is named, and nothing else is',
    async (path) => {
      const key = tileKey(path);
      for (const bytes of [
        flipped(key, 40),
        store.objects.get(key)!.subarray(1),
        Buffer.from('Bud1'),
        new Uint8Array(1),
      ]) {
        const { seen, findings } = await walkedWith(key, bytes);
        expect(findings).toEqual([expect.stringContaining(key)]);
        expect(seen).toBe(SIZE);
      }
    },
  );

  it.each(HASH_TILES)('%s gone is named, and nothing else is', async (path) => {
    const { seen, findings } = await walkedWith(tileKey(path), undefined);
    expect([seen, findings]).toEqual([SIZE, [`tile-missing: ${tileKey(path)} is missing`]]);
  });

  it('a bundle of entries that is gone is named, and does not hide the rest', async () => {
    const key = tileKey('tile/entries/001');
    expect(await walkedWith(key, undefined)).toEqual({
      isWhole: false,
      seen: SIZE - 256,
      findings: [`tile-missing: ${key} is missing`],
    });
  });

  it('an entry that is altered does not hash to the checkpoint, and its tile is named', async () => {
    const { findings } = await walkedWith(
      tileKey('tile/entries/001'),
      flipped(tileKey('tile/entries/001'), 3),
    );
    expect(findings).toEqual([
      'tile-altered: ledger/tile/0/001 is not what the bundle of entries 1 hashes to',
      expect.stringMatching(
        /^tile-altered: ledger\/tile\/1\/000.p\/2 is not what the row of tiles at level 0 hashes to/,
      ),
      'ledger-altered: the entries of the ledger do not hash to its checkpoint',
    ]);
  });

  it('a bundle and its tile that are both gone leave nothing to hash', async () => {
    const bundle = tileKey('tile/entries/001');
    const before = store.objects.get(bundle)!;
    store.objects.delete(bundle);
    const { findings } = await walkedWith(tileKey('tile/0/001'), undefined);
    store.objects.set(bundle, before);
    expect(findings).toEqual([
      'tile-missing: ledger/tile/entries/001 is missing',
      'tile-missing: ledger/tile/0/001 is missing',
      `ledger-altered: 256 of the ${SIZE} leaves are in no tile: whether the ledger is the checkpoint's cannot be said`,
    ]);
  });

  it('are checked on all levels of a tree that has three', async () => {
    const size = 65_536 + 256 + 1;
    await ledgerOf(size - 1, size);
    expect(await walked()).toEqual({ isWhole: true, seen: size, findings: [] });
    const keys = ['tile/0/256', 'tile/1/000', 'tile/1/001.p/1', 'tile/2/000.p/1'].map(tileKey);
    for (const key of keys.slice(0, 2)) store.objects.set(key, flipped(key, 40));
    for (const key of keys.slice(2)) store.objects.delete(key);
    const { findings } = await walked();
    expect(findings.map((finding) => finding.split(' ')[1])).toEqual(expect.arrayContaining(keys));
    expect(findings).toHaveLength(4);
  });
});

describe('tiles of the newest commit that are not in their places', () => {
  const leaf = 'ab'.repeat(32);
  const newest = ['tile/0/002.p/44', 'tile/1/000.p/2', 'tile/entries/002.p/44'];
  const key = (): string => stagingKey(checkpoint.size, checkpoint.root);

  beforeEach(async () => {
    const tiles = new Map(newest.map((path) => [path, store.objects.get(tileKey(path))!]));
    await store.put(key(), stagingBytes({ tiles, leaves: [leaf] }));
    for (const path of newest) store.objects.delete(tileKey(path));
  });

  it('are read where they were staged while the queue has their leaves still: a sequencer is at work, or died', async () => {
    const asked: unknown[] = [];
    const found = await walked(async (leaves) => asked.push(leaves) > 0);
    expect(found).toEqual({ isWhole: true, unplaced: 3, seen: SIZE, findings: [] });
    expect(asked).toEqual(newest.map(() => [leaf]));
  });

  it('are missing where the commit was finished, and hide nothing', async () => {
    const { isWhole, seen, findings } = await walked();
    expect([isWhole, seen]).toEqual([true, SIZE]);
    expect(findings.toSorted()).toEqual(
      newest.map((path) => `tile-missing: ${tileKey(path)} is missing; what it held stands in ${key()}`),
    );
  });

  it('are there when their sequencer comes between two looks', async () => {
    const kept = new Map((await walkedTiles()).map(([path, bytes]) => [tileKey(path), bytes]));
    const found = await walked(async () => {
      for (const [at, bytes] of kept) store.objects.set(at, bytes);
      return false;
    });
    expect(found).toEqual({ isWhole: true, seen: SIZE, findings: [] });
  });

  it('count as little as any others where they were staged altered, cut or by somebody else', async () => {
    const staged = await walkedTiles();
    const forged = staged.map(([path, bytes]) => [path, Buffer.from(bytes).fill(1, 40, 41)] as const);
    for (const bytes of [
      stagingBytes({ tiles: new Map(forged), leaves: [leaf] }),
      stagingBytes({ tiles: new Map(), leaves: [leaf] }),
      Buffer.from('{"type":"custody/ledger-staging/1","leaves":[],"leaves":[],"tiles":{}}'),
      Buffer.from('Bud1'),
    ]) {
      store.objects.set(key(), bytes);
      expect((await walked(async () => true)).findings).not.toEqual([]);
    }
  });

  async function walkedTiles() {
    const staged = new StagedTiles(checkpoint, store);
    return Promise.all(newest.map(async (path) => [path, (await staged.get(path))!] as const));
  }
});
