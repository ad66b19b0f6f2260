/** The auditor's side: trusts a checkpoint's signature and arithmetic, never the store. */
import { CustodyError } from '../errors.ts';
import type { Checkpoint } from './checkpoint.ts';
import { consistencyHolds, emptyRoot, inclusionHolds, leafHash, nodeHash } from './merkle.ts';
import { TILE_WIDTH } from './tiles.ts';
import { type FetchTile, TileTree } from './tree.ts';

/**
 * Every entry of the ledger, in order, once the whole of it hashes to the checkpoint's root. `visit` sees entries before that
 * is known: what it learned counts only when this resolves. Rejects with `ledger-altered` when it does not.
 */
export async function visitEntries(
  checkpoint: Checkpoint,
  fetch: FetchTile,
  visit: (entry: Uint8Array, index: number) => void,
): Promise<void> {
  const tree = new TileTree(checkpoint.size, fetch);
  const range = new CompactRange();
  for (let bundle = 0; bundle * TILE_WIDTH < checkpoint.size; bundle += 1) {
    for (const entry of await tree.bundle(bundle)) {
      visit(entry, range.size);
      range.append(leafHash(entry));
    }
  }
  if (!range.root().equals(checkpoint.root))
    throw altered('the entries of the ledger do not hash to its checkpoint');
}

/** A proof that the entry is number `index` under the checkpoint, checked. Rejects with `ledger-altered`. */
export async function proveInclusion(
  checkpoint: Checkpoint,
  fetch: FetchTile,
  index: number,
  entry: Uint8Array,
): Promise<readonly Buffer[]> {
  const proof = await new TileTree(checkpoint.size, fetch).inclusionProof(index);
  if (inclusionHolds(leafHash(entry), index, checkpoint.size, proof, checkpoint.root)) return proof;
  throw altered(`entry ${index} of the ledger is not under its checkpoint`);
}

/**
 * A proof that the ledger only grew from an older checkpoint to a newer one, checked. Rejects with `ledger-altered`: it was
 * rolled back, or one of the two belongs to a fork.
 */
export async function proveConsistency(
  older: Checkpoint,
  newer: Checkpoint,
  fetch: FetchTile,
): Promise<readonly Buffer[]> {
  if (older.size > newer.size) {
    throw altered(`the ledger was rolled back: it had ${older.size} leaves and now has ${newer.size}`);
  }
  const proof = await new TileTree(newer.size, fetch).consistencyProof(older.size);
  if (consistencyHolds(older.size, older.root, newer.size, newer.root, proof)) return proof;
  throw altered(
    `the ledger is not the one of the older checkpoint: its first ${older.size} leaves differ (a fork)`,
  );
}

/** The hashes of the complete subtrees that a growing tree consists of, largest first. */
export class CompactRange {
  readonly #subtrees: { readonly size: number; readonly hash: Buffer }[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  append(leaf: Buffer): void {
    this.appendTree(1, leaf);
  }

  /** The root of a complete tree over the next `size` leaves, a power of two that the size so far is a multiple of. */
  appendTree(size: number, hash: Buffer): void {
    let added = { size, hash };
    while (this.#subtrees.at(-1)?.size === added.size) {
      const left = this.#subtrees.pop()!;
      added = { size: left.size * 2, hash: nodeHash(left.hash, added.hash) };
    }
    this.#subtrees.push(added);
    this.#size += size;
  }

  root(): Buffer {
    const hashes = this.#subtrees.map(({ hash }) => hash);
    return hashes.length === 0 ? emptyRoot() : hashes.reduceRight((right, left) => nodeHash(left, right));
  }
}

function altered(what: string): CustodyError {
  return new CustodyError('ledger-altered', what, {
    hint: 'compare with a checkpoint that was published outside the deployment',
  });
}
