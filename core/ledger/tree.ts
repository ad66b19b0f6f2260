import { CustodyError } from '../errors.ts';
import { emptyRoot, isPowerOfTwo, isSize, largestPowerBelow, leafHash, nodeHash, rootOf } from './merkle.ts';
import { bundleBytes, readBundle, readTile, rowLength, TILE_WIDTH, tilePath, tileWidth } from './tiles.ts';

/** The object at a tile's path. Rejects with `not-found`. */
export type FetchTile = (path: string) => Promise<Uint8Array>;

/** A tree of `size` leaves, read from its tiles. What it returns is as good as the tiles: compare with a signed root. */
export class TileTree {
  readonly size: number;
  readonly #fetch: FetchTile;
  /** Tiles already read: proofs of neighbours share most of them. */
  readonly #tiles = new Map<string, Promise<Buffer[]>>();

  constructor(size: number, fetch: FetchTile) {
    this.size = size;
    this.#fetch = fetch;
  }

  /** MTH of the whole tree. */
  async root(): Promise<Buffer> {
    return this.size === 0 ? emptyRoot() : this.rangeHash(0, this.size);
  }

  /** MTH(D[from:to]), for the ranges that RFC 6962's definitions split a tree into. */
  async rangeHash(from: number, to: number): Promise<Buffer> {
    const length = to - from;
    if (isPowerOfTwo(length) && from % length === 0) {
      return this.#subtree(Math.round(Math.log2(length)), from / length);
    }
    const middle = from + largestPowerBelow(length);
    return nodeHash(await this.rangeHash(from, middle), await this.rangeHash(middle, to));
  }

  /** PATH(index, D[n]): RFC 6962 section 2.1.1. */
  async inclusionProof(index: number): Promise<Buffer[]> {
    if (!isSize(index) || index >= this.size)
      throw new CustodyError('internal', `the ledger has no leaf ${index}`);
    const path: Buffer[] = [];
    let [from, to] = [0, this.size];
    while (to - from > 1) {
      const middle = from + largestPowerBelow(to - from);
      const left = index < middle;
      path.unshift(left ? await this.rangeHash(middle, to) : await this.rangeHash(from, middle));
      if (left) to = middle;
      else from = middle;
    }
    return path;
  }

  /** PROOF(oldSize, D[n]): RFC 6962 section 2.1.2. */
  async consistencyProof(oldSize: number): Promise<Buffer[]> {
    if (!isSize(oldSize) || oldSize > this.size)
      throw new CustodyError('internal', `the ledger never had ${oldSize} leaves`);
    if (oldSize === 0 || oldSize === this.size) return [];
    const proof: Buffer[] = [];
    let [from, to] = [0, this.size];
    while (to !== oldSize) {
      const middle = from + largestPowerBelow(to - from);
      if (oldSize <= middle) {
        proof.unshift(await this.rangeHash(middle, to));
        to = middle;
      } else {
        proof.unshift(await this.rangeHash(from, middle));
        from = middle;
      }
    }
    // The old tree itself is known to who asks, unless only a part of it is a subtree of the new one.
    if (from !== 0) proof.unshift(await this.rangeHash(from, to));
    return proof;
  }

  /** The entries of bundle `index`. */
  async bundle(index: number): Promise<Buffer[]> {
    const width = tileWidth(this.size, 0, index);
    const path = tilePath('entries', index, width);
    return readBundle(await this.#fetch(path), width, path);
  }

  /** The hash of a complete subtree of 2^level leaves. */
  async #subtree(level: number, index: number): Promise<Buffer> {
    const row = Math.floor(level / 8);
    const span = 2 ** (level % 8);
    const first = index * span;
    const tile = Math.floor(first / TILE_WIDTH);
    const hashes = await this.#tile(row, tile);
    return rootOf(hashes.slice(first % TILE_WIDTH, (first % TILE_WIDTH) + span));
  }

  #tile(level: number, index: number): Promise<Buffer[]> {
    const width = tileWidth(this.size, level, index);
    const path = tilePath(level, index, width);
    const known = this.#tiles.get(path);
    if (known !== undefined) return known;
    const read = this.#fetch(path).then((bytes) => readTile(bytes, width, path));
    this.#tiles.set(path, read);
    return read;
  }
}

export interface Growth {
  readonly size: number;
  readonly root: Buffer;
  /** Every tile and bundle that the new tree has and the old one did not, by path. */
  readonly tiles: ReadonlyMap<string, Uint8Array>;
}

/** A tree with entries appended. Reads the old tree's right edge. */
export async function grow(old: TileTree, fetch: FetchTile, entries: readonly Uint8Array[]): Promise<Growth> {
  const size = old.size + entries.length;
  const tiles = new Map<string, Uint8Array>();
  if (entries.length > 0) await growBundles(old, size, entries, tiles);
  let fresh = entries.map(leafHash);
  for (let level = 0; fresh.length > 0; level += 1) {
    fresh = await growRow(old.size, fetch, level, fresh, tiles);
  }
  const overlay: FetchTile = async (path) => tiles.get(path) ?? fetch(path);
  return { size, root: await new TileTree(size, overlay).root(), tiles };
}

async function growBundles(
  old: TileTree,
  size: number,
  entries: readonly Uint8Array[],
  tiles: Map<string, Uint8Array>,
): Promise<void> {
  const first = Math.floor(old.size / TILE_WIDTH);
  const edge = old.size % TILE_WIDTH === 0 ? [] : await old.bundle(first);
  const row = [...edge, ...entries];
  for (let at = 0; at < row.length; at += TILE_WIDTH) {
    const index = first + at / TILE_WIDTH;
    tiles.set(
      tilePath('entries', index, tileWidth(size, 0, index)),
      bundleBytes(row.slice(at, at + TILE_WIDTH)),
    );
  }
}

/** Appends hashes to a row of tiles. Returns the hashes of the tiles that this filled: what the row above gets. */
async function growRow(
  oldSize: number,
  fetch: FetchTile,
  level: number,
  fresh: readonly Buffer[],
  tiles: Map<string, Uint8Array>,
): Promise<Buffer[]> {
  const before = rowLength(oldSize, level);
  const first = Math.floor(before / TILE_WIDTH);
  const width = before % TILE_WIDTH;
  const path = tilePath(level, first, width);
  const row = [...(width === 0 ? [] : readTile(await fetch(path), width, path)), ...fresh];
  const filled: Buffer[] = [];
  for (let at = 0; at < row.length; at += TILE_WIDTH) {
    const hashes = row.slice(at, at + TILE_WIDTH);
    tiles.set(tilePath(level, first + at / TILE_WIDTH, hashes.length), Buffer.concat(hashes));
    if (hashes.length === TILE_WIDTH) filled.push(rootOf(hashes));
  }
  return filled;
}
