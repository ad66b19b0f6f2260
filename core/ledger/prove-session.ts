import type { Checkpoint } from './checkpoint.ts';
import { sessionStatedBy } from './places.ts';
import { proveInclusion, visitEntries } from './reader.ts';
import { LEAVES_MAX, type SessionProof } from './session-proof.ts';
import { TILE_WIDTH } from './tiles.ts';
import { type FetchTile, TileTree } from './tree.ts';

/** Finds the numbers of a session's leaves; more than its leaves about statements is no error. */
export type FindLeaves = (session: string) => Promise<readonly number[]>;

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
  const candidates =
    find === undefined
      ? await leavesNaming(session, checkpoint, fetch)
      : await leavesAt(await find(session), checkpoint, fetch);
  const stated = candidates.filter(({ entry }) => sessionStatedBy(entry) === session);
  const found = withoutRepeated(stated).slice(0, LEAVES_MAX);
  if (found.length === 0) return undefined;
  const leaves = [];
  for (const { index, entry } of found) {
    const proof = await proveInclusion(checkpoint, fetch, index, entry);
    leaves.push({ index, leaf: entry.toString(), proof: proof.map((hash) => hash.toString('base64')) });
  }
  return { type: 'custody/ledger-proof/1', checkpoint: note, leaves };
}

/** The same event may have been entered again after a week (LeafQueue): it is one leaf. */
function withoutRepeated(leaves: readonly FoundLeaf[]): FoundLeaf[] {
  return leaves.filter(({ entry }, n) => !leaves.slice(0, n).some((earlier) => earlier.entry.equals(entry)));
}

interface FoundLeaf {
  readonly index: number;
  readonly entry: Buffer;
}

/** Most entries are of other sessions: only those that name this one are kept. */
async function leavesNaming(session: string, checkpoint: Checkpoint, fetch: FetchTile): Promise<FoundLeaf[]> {
  const found: FoundLeaf[] = [];
  await visitEntries(checkpoint, fetch, (entry, index) => {
    if (Buffer.from(entry).includes(session)) found.push({ index, entry: Buffer.from(entry) });
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
