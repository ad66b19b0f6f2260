import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { parseJson } from '#core/json.ts';
import type { SearchedStep } from '#core/search/entry.ts';
import type { Work } from './work.ts';

/** Steps that lie together: what two of them have in common is stored once. */
export const CHUNK_STEPS = 64;
export const CHUNK_CHARACTERS = 512 << 10;

export function packed(steps: readonly SearchedStep[]): Uint8Array {
  return zstdCompressSync(steps.map((step) => JSON.stringify(step)).join('\n'));
}

/** Lines, of which those alone are parsed that are looked at. Nobody else has this file. */
function unpacked(body: Uint8Array): readonly string[] {
  return zstdDecompressSync(body).toString('utf8').split('\n');
}

/** What is known of a chunk that is not unpacked. Times are microseconds since the session's start. */
export interface ChunkHead {
  readonly first: bigint;
  /** Behind its last row. */
  readonly end: bigint;
  /** No step in it is earlier. */
  readonly least: number;
  /** No step up to its end, of its session, is later. */
  readonly upTo: number;
}

const HEAD = 'SELECT at, steps, least, upto FROM chunks WHERE at <= ? ORDER BY at DESC LIMIT 1';
const BODY = 'SELECT body FROM chunks WHERE at = ?';
export const CHUNK_SQL = [HEAD, BODY];

/** The last chunk stays unpacked: what is found lies together. */
export class Chunks {
  readonly #heads: StatementSync;
  readonly #bodies: StatementSync;
  readonly #work: Work;
  #head: ChunkHead | undefined;
  #unpacked: { readonly first: bigint; readonly lines: readonly string[] } | undefined;

  constructor(database: DatabaseSync, work: Work) {
    this.#heads = database.prepare(HEAD);
    this.#heads.setReadBigInts(true);
    this.#bodies = database.prepare(BODY);
    this.#work = work;
  }

  /** Of the chunk that a row is in. */
  head(row: bigint): ChunkHead | undefined {
    const known = this.#head;
    if (known !== undefined && row >= known.first && row < known.end) return known;
    this.#work.spend('seek');
    const found = this.#heads.get(row) as Record<'at' | 'steps' | 'least' | 'upto', bigint> | undefined;
    if (found === undefined || row >= found.at + found.steps) return undefined;
    const { at: first, steps, least, upto } = found;
    this.#head = { first, end: first + steps, least: Number(least), upTo: Number(upto) };
    return this.#head;
  }

  step(row: bigint): SearchedStep | undefined {
    const head = this.head(row);
    if (head === undefined) return undefined;
    const line = this.#lines(head)[Number(row - head.first)];
    this.#work.spend('step');
    return line === undefined ? undefined : (parseJson(line) as SearchedStep);
  }

  #lines({ first }: ChunkHead): readonly string[] {
    if (this.#unpacked?.first !== first) {
      this.#work.spend('chunk');
      this.#unpacked = { first, lines: unpacked(this.#bodies.get(first)!['body'] as Uint8Array) };
    }
    return this.#unpacked.lines;
  }
}
