/** The auditor's walk over the whole ledger: every entry, every tile of every level, each named that is missing or wrong. */
import { asCustodyError } from '../errors.ts';
import type { RecordingSource } from '../recording/ports.ts';
import type { AuditFindings } from './audit-findings.ts';
import type { Checkpoint } from './checkpoint.ts';
import { tileKey } from './layout.ts';
import { HASH_BYTES, leafHash, rootOf } from './merkle.ts';
import { CompactRange } from './reader.ts';
import { StagedTiles } from './staged-tiles.ts';
import {
  BUNDLE_MAX_BYTES,
  bundleBytes,
  readBundle,
  readTile,
  TILE_WIDTH,
  tilePath,
  tileWidth,
} from './tiles.ts';

const TILE_MAX_BYTES = TILE_WIDTH * HASH_BYTES;

/**
 * `visit` sees every entry that is there, in order. What it learned counts only as far as nothing is found: entries that do
 * not hash to the checkpoint's root are nobody's word. One tile that is gone or altered hides nothing that stands in others.
 * A tile that is missing is read from the newest commit's staging object, and is a finding unless that commit is unfinished.
 */
export async function walkLedger(
  checkpoint: Checkpoint,
  store: Pick<RecordingSource, 'get' | 'list'>,
  findings: AuditFindings,
  visit: (entry: Uint8Array, index: number) => void,
  staged = new StagedTiles(checkpoint, store),
): Promise<Walked> {
  return new LedgerWalk(checkpoint, store, findings, staged).walk(visit);
}

export interface Walked {
  /** False when it could not see all entries. */
  readonly sawAll: boolean;
  /** Tiles of an unfinished commit, read from its staging object. */
  readonly unplaced: number;
}

class LedgerWalk {
  readonly #checkpoint: Checkpoint;
  readonly #store: Pick<RecordingSource, 'get' | 'list'>;
  readonly #findings: AuditFindings;
  readonly #staged: StagedTiles;
  readonly #range = new CompactRange();
  /** By level: the hashes of the tile that is being filled; undefined where one is not known. */
  readonly #rows: (Buffer | undefined)[][] = [];
  #unknown = 0;
  #unplaced = 0;

  constructor(
    checkpoint: Checkpoint,
    store: Pick<RecordingSource, 'get' | 'list'>,
    findings: AuditFindings,
    staged: StagedTiles,
  ) {
    this.#checkpoint = checkpoint;
    this.#store = store;
    this.#findings = findings;
    this.#staged = staged;
  }

  async walk(visit: (entry: Uint8Array, index: number) => void): Promise<Walked> {
    const { size } = this.#checkpoint;
    let seen = 0;
    for (let bundle = 0; bundle * TILE_WIDTH < size; bundle += 1) {
      const entries = await this.#entries(bundle);
      entries?.forEach((entry, n) => visit(entry, bundle * TILE_WIDTH + n));
      seen += entries?.length ?? 0;
      const width = tileWidth(size, 0, bundle);
      const hashes = entries?.map(leafHash) ?? Array<undefined>(width).fill(undefined);
      this.#append(await this.#tile(0, bundle, hashes));
    }
    await this.#finishRows();
    this.#checkRoot();
    return { sawAll: seen === size, unplaced: this.#unplaced };
  }

  async #entries(index: number): Promise<Buffer[] | undefined> {
    const width = tileWidth(this.#checkpoint.size, 0, index);
    const path = tilePath('entries', index, width);
    const entries = await this.#readTile(path, BUNDLE_MAX_BYTES, (bytes) =>
      readBundle(bytes, width, tileKey(path)),
    );
    if (entries !== undefined)
      await this.#checkEarlier('entries', index, width, (w) => bundleBytes(entries.slice(0, w)));
    return entries;
  }

  /**
   * Compares the tile with `computed`, and gives its hashes: the computed ones, and where one is not known that of the tile.
   * A full tile's root goes into the row above.
   */
  async #tile(
    level: number,
    index: number,
    computed: readonly (Buffer | undefined)[],
  ): Promise<(Buffer | undefined)[]> {
    const width = computed.length;
    const path = tilePath(level, index, width);
    const stored = await this.#readTile(path, TILE_MAX_BYTES, (bytes) =>
      readTile(bytes, width, tileKey(path)),
    );
    const differs = stored?.some((hash, n) => computed[n] !== undefined && !computed[n].equals(hash));
    if (differs)
      this.#findings.add(
        'tile-altered',
        undefined,
        `${tileKey(path)} is not what ${below(level, index)} hashes to`,
      );
    const hashes = computed.map((hash, n) => hash ?? stored?.[n]);
    const known = hashes.filter((hash) => hash !== undefined);
    if (known.length === width)
      await this.#checkEarlier(level, index, width, (w) => Buffer.concat(known.slice(0, w)));
    if (width === TILE_WIDTH)
      await this.#climb(level + 1, known.length === width ? rootOf(known) : undefined);
    return hashes;
  }

  async #climb(level: number, hash: Buffer | undefined): Promise<void> {
    if (level === 1 && hash !== undefined) this.#range.appendTree(TILE_WIDTH, hash);
    const row = (this.#rows[level] ??= []);
    row.push(hash);
    if (row.length % TILE_WIDTH !== 0) return;
    const index = row.length / TILE_WIDTH - 1;
    await this.#tile(level, index, row.slice(-TILE_WIDTH));
  }

  /** The partial tiles at the right edge of the rows above the leaves. */
  async #finishRows(): Promise<void> {
    for (const [level, row] of this.#rows.entries()) {
      const rest = (row?.length ?? 0) % TILE_WIDTH;
      if (row !== undefined && rest > 0)
        await this.#tile(level, Math.floor(row.length / TILE_WIDTH), row.slice(-rest));
    }
  }

  /** Where a hash is not known, there is no root: what is behind it need not be added. */
  #append(hashes: readonly (Buffer | undefined)[]): void {
    const known = hashes.filter((hash) => hash !== undefined);
    this.#unknown += hashes.length - known.length;
    if (hashes.length < TILE_WIDTH && this.#unknown === 0) for (const hash of known) this.#range.append(hash);
  }

  #checkRoot(): void {
    const { root, size } = this.#checkpoint;
    const unknown = `${this.#unknown} of the ${size} leaves are in no tile: whether the ledger is the checkpoint's cannot be said`;
    if (this.#unknown > 0) this.#findings.add('ledger-altered', undefined, unknown);
    else if (!this.#range.root().equals(root))
      this.#findings.add(
        'ledger-altered',
        undefined,
        'the entries of the ledger do not hash to its checkpoint',
      );
  }

  /** Partial tiles of earlier checkpoints stay (FORMAT.md), and begin as the tile does that they became. */
  async #checkEarlier(
    level: number | 'entries',
    index: number,
    width: number,
    prefix: (width: number) => Uint8Array,
  ): Promise<void> {
    const full = tilePath(level, index, TILE_WIDTH);
    const folder = `${tileKey(full)}.p/`;
    const names = await this.#findings.reading(folder, () => this.#store.list(folder));
    for (const name of names ?? []) {
      const earlier = /^[1-9]\d{0,2}$/.test(name) ? Number(name) : width;
      if (earlier >= width) continue;
      const expected = prefix(earlier);
      const bytes = await this.#read(folder + name, expected.byteLength);
      if (bytes !== undefined && !Buffer.from(bytes).equals(expected))
        this.#findings.add('tile-altered', undefined, `${folder}${name} is not how ${tileKey(full)} begins`);
    }
  }

  async #readTile<T>(path: string, atMost: number, decode: (bytes: Uint8Array) => T): Promise<T | undefined> {
    const bytes = await this.#findings.reading(
      tileKey(path),
      () => this.#tileBytes(path, atMost),
      'tile-missing',
    );
    try {
      return bytes && decode(bytes);
    } catch (error) {
      this.#findings.add('tile-altered', undefined, (error as Error).message);
      return undefined;
    }
  }

  /** From its place, or else as it was staged. */
  async #tileBytes(path: string, atMost: number): Promise<Uint8Array> {
    const key = tileKey(path);
    const read = (): Promise<Uint8Array> => this.#store.get(key, atMost);
    const found = await read().catch(unlessMissing);
    if (found !== undefined) return found;
    const staged = await this.#staged.get(path);
    const isUnfinished = staged !== undefined && (await this.#staged.isUnfinished());
    // Whoever finishes a commit may have come between the two looks.
    const bytes = isUnfinished ? staged : ((await read().catch(unlessMissing)) ?? staged);
    if (bytes === undefined) return read();
    if (isUnfinished) this.#unplaced += 1;
    else if (bytes === staged)
      this.#findings.add(
        'tile-missing',
        undefined,
        `${key} is missing; what it held stands in ${this.#staged.key}`,
      );
    return bytes;
  }

  #read(key: string, atMost: number): Promise<Uint8Array | undefined> {
    return this.#findings.reading(key, () => this.#store.get(key, atMost), 'tile-missing');
  }
}

function below(level: number, index: number): string {
  return level === 0 ? `the bundle of entries ${index}` : `the row of tiles at level ${level - 1}`;
}

/** For a rejection: undefined where nothing is there. */
function unlessMissing(error: unknown): undefined {
  if (asCustodyError(error).code !== 'not-found') throw error;
}
