import type { Checkpoint } from './checkpoint.ts';
import type { LeafProof } from './leaf-proof.ts';
import { sessionStatedBy } from './places.ts';
import { proveInclusion, visitEntries } from './reader.ts';
import { LEAVES_MAX, type SessionProof } from './session-proof.ts';
import { TILE_WIDTH } from './tiles.ts';
import { type FetchTile, TileTree } from './tree.ts';

/** Finds the numbers of the leaves of a session, a run or a request; more than those is no error. */
export type FindLeaves = (id: string) => Promise<readonly number[]>;

/**
 * Proofs of all leaves about a session's opening and end; undefined when the ledger has none. Without `find` it reads the
 * ledger from its beginning.
 */
export async function proveSession(
  note: string,
  checkpoint: Checkpoint,
  fetch: FetchTile,
  session: string,
  find?: FindLeaves,
): Promise<SessionProof | undefined> {
  const isOfIt = (entry: Uint8Array): boolean => sessionStatedBy(entry) === session;
  const ledger = { checkpoint, fetch };
  const leaves = await proveLeavesOf([session], ledger, isOfIt, {
    atMost: LEAVES_MAX,
    ...(find && { find }),
  });
  return leaves.length === 0 ? undefined : { type: 'custody/ledger-proof/1', checkpoint: note, leaves };
}

/** Proofs of the leaves that name one of these ids and of which `isOfIt` is true, each once, in the ledger's order. */
export async function proveLeavesOf(
  ids: readonly string[],
  { checkpoint, fetch }: { readonly checkpoint: Checkpoint; readonly fetch: FetchTile },
  isOfIt: (entry: Uint8Array) => boolean,
  { atMost, find }: { readonly atMost: number; readonly find?: FindLeaves },
): Promise<LeafProof['leaves']> {
  const candidates =
    find === undefined
      ? await leavesNaming(ids, checkpoint, fetch)
      : await leavesAt((await Promise.all(ids.map(find))).flat(), checkpoint, fetch);
  const found = withoutRepeated(candidates.filter(({ entry }) => isOfIt(entry))).slice(0, atMost);
  const leaves = [];
  for (const { index, entry } of found) {
    const proof = await proveInclusion(checkpoint, fetch, index, entry);
    leaves.push({ index, leaf: entry.toString(), proof: proof.map((hash) => hash.toString('base64')) });
  }
  return leaves;
}

/** The same event may have been entered again after a week (LeafQueue): it is one leaf. */
function withoutRepeated(leaves: readonly FoundLeaf[]): FoundLeaf[] {
  return [...new Map(leaves.toReversed().map((leaf) => [leaf.entry.toString(), leaf])).values()].toSorted(
    (one, other) => one.index - other.index,
  );
}

interface FoundLeaf {
  readonly index: number;
  readonly entry: Buffer;
}

/** Most entries are of others: only those that name one of these are kept. */
async function leavesNaming(
  ids: readonly string[],
  checkpoint: Checkpoint,
  fetch: FetchTile,
): Promise<FoundLeaf[]> {
  const found: FoundLeaf[] = [];
  await visitEntries(checkpoint, fetch, (entry, index) => {
    const bytes = Buffer.from(entry);
    if (ids.some((id) => bytes.includes(id))) found.push({ index, entry: bytes });
  });
  return found;
}

/** Leaves that came after the checkpoint are not under it. */
async function leavesAt(
  indexes: readonly number[],
  { size }: Checkpoint,
  fetch: FetchTile,
): Promise<FoundLeaf[]> {
  const tree = new TileTree(size, fetch);
  const under = indexes.filter((index) => index < size);
  return Promise.all(
    under.map(async (index) => {
      const bundle = await tree.bundle(Math.floor(index / TILE_WIDTH));
      return { index, entry: bundle[index % TILE_WIDTH]! };
    }),
  );
}
