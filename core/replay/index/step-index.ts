/** Reads an index: a page of its directory and a chunk in memory at a time. */

import type { z } from 'zod';
import { CustodyError } from '#core/errors.ts';
import { parseJsonBytes } from '#core/json.ts';
import { sha256Hex } from '#core/recording/statements.ts';
import { type SessionSummary, summarySchema } from '../summary/summary.ts';
import { unpackChunk } from './chunk.ts';
import {
  CHUNK_FILE_MAX_BYTES,
  CHUNKS_A_PAGE,
  type Chunk,
  chunkName,
  chunksSchema,
  type Directory,
  PAGE_MAX_BYTES,
  pageName,
  type SegmentEntry,
  SUMMARY,
  SUMMARY_MAX_BYTES,
  segmentsName,
  segmentsSchema,
  type Tally,
} from './format.ts';
import {
  isWanted,
  mayHold,
  PAGE_MAX_CHARACTERS,
  type StepPage,
  type StepPlace,
  type StepQuery,
} from './query.ts';
import { readLine, type StepMarks, type StoredStep } from './stored-step.ts';

/** Rejects with `not-found`, and with `format-invalid` for what is longer. */
export type GetPart = (name: string, atMost: number) => Promise<Uint8Array>;

/** Chunks that one page looks into: what is looked for may be rare, and the place where it went on is in the answer. */
const CHUNKS_LOOKED_INTO = 64;

/** Of an outline: a chunk is about a MiB of steps. */
const CHUNKS_TOLD_APART = 8;

export type Sum = Pick<Tally, 'first' | 'steps' | 'errors' | 'writes' | 'from' | 'to'>;

type Line = StepMarks & { readonly since: number; readonly toJson: () => StoredStep['json'] };

export class StepIndex {
  readonly directory: Directory;
  readonly #get: GetPart;
  /** What was read last: whoever goes on from a page asks for the same again. */
  #page: { readonly number: number; readonly chunks: readonly Chunk[] } | undefined;
  #chunk: { readonly number: number; readonly lines: readonly string[] } | undefined;

  constructor(directory: Directory, get: GetPart) {
    this.directory = directory;
    this.#get = get;
  }

  /** Rejects with `state-damaged` where something of the index is not what its directory says. */
  async page(query: StepQuery): Promise<StepPage> {
    const { direction, place } = query;
    const cursor = 'cursor' in place ? place.cursor : await this.#cursorOf(place, direction);
    return direction === 'next' ? this.#after(cursor, query) : this.#before(cursor, query);
  }

  /** Every step after `cursor`, in order. */
  async *all(cursor = 0): AsyncGenerator<StoredStep, void, undefined> {
    for await (const { chunk, number } of this.#chunksAfter(cursor, () => true))
      for (const line of await this.#linesOf(chunk, number)) if (line.number > cursor) yield stored(line);
  }

  /**
   * How many steps there are when, in the order of their numbers: of few chunks each step for itself, of more what a chunk has in sum.
   */
  async *outline(): AsyncGenerator<Sum, void, undefined> {
    const chunks = this.directory.pages.length;
    const isShort = chunks <= 1 && (chunks === 0 || (await this.#chunksOf(0)).length <= CHUNKS_TOLD_APART);
    for await (const { chunk, number } of this.#chunksAfter(0, ({ steps }) => steps > 0))
      if (isShort) yield* (await this.#linesOf(chunk, number)).map(sumOf);
      else yield chunk;
  }

  /** What the steps came to. */
  summary(): Promise<SessionSummary> {
    return this.#readJson(SUMMARY, summarySchema, this.directory.summary, SUMMARY_MAX_BYTES);
  }

  /** What the directory says of these segments; of one that it does not name, nothing. */
  async segments(numbers: readonly number[]): Promise<readonly SegmentEntry[]> {
    const wanted = new Set(numbers);
    const isIn = (first: number, last: number): boolean =>
      numbers.some((number) => number >= first && number <= last);
    const found: SegmentEntry[] = [];
    for await (const entry of this.#segmentEntries(isIn)) if (wanted.has(entry[0])) found.push(entry);
    return found;
  }

  /** Every segment that it was made of. */
  allSegments(): AsyncIterable<SegmentEntry> {
    return this.#segmentEntries(() => true);
  }

  /** Reads everything once. Rejects as `page` does. */
  async check(): Promise<void> {
    for (let page = 0; page < this.directory.pages.length; page += 1) {
      const chunks = await this.#chunksOf(page);
      for (const [n, chunk] of chunks.entries()) await this.#linesOf(chunk, page * CHUNKS_A_PAGE + n);
    }
    for await (const _ of this.allSegments());
    await this.summary();
  }

  async *#segmentEntries(isWanted: (first: number, last: number) => boolean): AsyncGenerator<SegmentEntry> {
    for (const [n, entry] of this.directory.segments.entries())
      if (isWanted(entry.first, entry.last))
        yield* await this.#readJson(segmentsName(n), segmentsSchema, entry);
  }

  async #after(cursor: number, query: StepQuery): Promise<StepPage> {
    const { total } = this.directory;
    const taking = new Taking(query);
    let [looked, examined] = [0, cursor];
    for await (const { chunk, number } of this.#chunksAfter(cursor, (tally) => mayHold(tally, query))) {
      if (looked === CHUNKS_LOOKED_INTO) return pageOf(taking.steps, cursor, examined, total.steps);
      looked += 1;
      for (const line of await this.#linesOf(chunk, number)) {
        if (line.number <= cursor || !isWanted(line, query)) continue;
        if (!taking.take(line)) return pageOf(taking.steps, cursor, taking.steps.at(-1)!.number, total.steps);
      }
      examined = lastOf(chunk);
    }
    return pageOf(taking.steps, cursor, total.steps, total.steps);
  }

  async #before(cursor: number, query: StepQuery): Promise<StepPage> {
    const { total } = this.directory;
    const end = Math.min(cursor, total.steps);
    const taking = new Taking(query);
    const taken = (begin: number) => pageOf(taking.steps.toReversed(), begin, end, total.steps);
    let [looked, examined] = [0, end];
    for await (const { chunk, number } of this.#chunksBefore(end, (tally) => mayHold(tally, query))) {
      if (looked === CHUNKS_LOOKED_INTO) return taken(examined);
      looked += 1;
      for (const line of (await this.#linesOf(chunk, number)).toReversed()) {
        if (line.number > end || !isWanted(line, query)) continue;
        if (!taking.take(line)) return taken(taking.steps.at(-1)!.number - 1);
      }
      examined = chunk.first - 1;
    }
    return taken(0);
  }

  /** The place between two steps that a step or a time means. */
  async #cursorOf(place: Exclude<StepPlace, { cursor: number }>, direction: StepQuery['direction']) {
    if ('from' in place) return direction === 'next' ? place.from - 1 : place.from;
    const { at } = place;
    if (direction === 'next') {
      const isThere = ({ to }: Tally): boolean => to >= at;
      for await (const { chunk, number } of this.#chunksAfter(0, isThere)) {
        const line = (await this.#linesOf(chunk, number)).find((found) => found.at >= at);
        if (line !== undefined) return line.number - 1;
      }
      return this.directory.total.steps;
    }
    for await (const { chunk, number } of this.#chunksBefore(
      this.directory.total.steps,
      ({ from }) => from <= at,
    )) {
      const line = (await this.#linesOf(chunk, number)).findLast((found) => found.at <= at);
      if (line !== undefined) return line.number;
    }
    return 0;
  }

  async *#chunksAfter(cursor: number, isWanted: (tally: Tally) => boolean) {
    for (const [n, page] of this.directory.pages.entries()) {
      if (lastOf(page) <= cursor || !isWanted(page)) continue;
      for (const [m, chunk] of (await this.#chunksOf(n)).entries())
        if (lastOf(chunk) > cursor && isWanted(chunk)) yield { chunk, number: n * CHUNKS_A_PAGE + m };
    }
  }

  async *#chunksBefore(cursor: number, isWanted: (tally: Tally) => boolean) {
    for (let n = this.directory.pages.length - 1; n >= 0; n -= 1) {
      const page = this.directory.pages[n]!;
      if (page.first > cursor || !isWanted(page)) continue;
      const chunks = await this.#chunksOf(n);
      for (let m = chunks.length - 1; m >= 0; m -= 1) {
        const chunk = chunks[m]!;
        if (chunk.first <= cursor && isWanted(chunk)) yield { chunk, number: n * CHUNKS_A_PAGE + m };
      }
    }
  }

  async #chunksOf(number: number): Promise<readonly Chunk[]> {
    if (this.#page?.number === number) return this.#page.chunks;
    const chunks = await this.#readJson(pageName(number), chunksSchema, this.directory.pages[number]!);
    this.#page = { number, chunks };
    return chunks;
  }

  async #linesOf(chunk: Chunk, number: number): Promise<readonly Line[]> {
    const lines = this.#chunk?.number === number ? this.#chunk.lines : await this.#unpacked(chunk, number);
    this.#chunk = { number, lines };
    try {
      let [since] = chunk.segments;
      return lines.map((text, n) => {
        const line = { ...readLine(text, chunk.first + n), since };
        since = line.segment;
        return line;
      });
    } catch (cause) {
      throw damaged(chunkName(number), cause);
    }
  }

  async #unpacked(chunk: Chunk, number: number): Promise<readonly string[]> {
    const name = chunkName(number);
    const bytes = await this.#read(name, CHUNK_FILE_MAX_BYTES, chunk);
    const lines = await unpackChunk(bytes).catch((cause: unknown) => {
      throw damaged(name, cause);
    });
    if (lines.length === chunk.steps) return lines;
    throw damaged(name);
  }

  async #readJson<T>(name: string, schema: z.ZodType<T>, entry: Stored, atMost = PAGE_MAX_BYTES): Promise<T> {
    const bytes = await this.#read(name, atMost, entry);
    try {
      return schema.parse(parseJsonBytes(bytes, atMost));
    } catch (cause) {
      throw damaged(name, cause);
    }
  }

  async #read(name: string, atMost: number, { sha256, bytes: size }: Stored): Promise<Uint8Array> {
    if (size > atMost) throw damaged(name);
    const bytes = await this.#get(name, size).catch((cause: unknown) => {
      throw isGone(cause) ? damaged(name, cause) : cause;
    });
    if (sha256Hex(bytes) === sha256) return bytes;
    throw damaged(name);
  }
}

interface Stored {
  readonly sha256: string;
  readonly bytes: number;
}

/** Steps of one page. */
class Taking {
  readonly steps: StoredStep[] = [];
  readonly #limit: number;
  readonly #brief: boolean;
  #characters = 0;

  constructor({ limit, brief = false }: StepQuery) {
    this.#limit = limit;
    this.#brief = brief;
  }

  /** False where it is full, and this one is left. */
  take(line: Line): boolean {
    if (this.steps.length >= this.#limit || this.#characters >= PAGE_MAX_CHARACTERS) return false;
    const step = this.#brief ? withoutRows(stored(line)) : stored(line);
    this.steps.push(step);
    this.#characters += JSON.stringify(step.json).length;
    return true;
  }
}

function stored(line: Line): StoredStep {
  const { toJson, ...marks } = line;
  return { ...marks, json: toJson() };
}

function sumOf({ number, at, isError, isWrite }: Line): Sum {
  return { first: number, steps: 1, errors: Number(isError), writes: Number(isWrite), from: at, to: at };
}

function withoutRows(step: StoredStep): StoredStep {
  const { rows: _rows, ...json } = step.json;
  return { ...step, json };
}

function lastOf({ first, steps }: Tally): number {
  return first + steps - 1;
}

/** What was looked at lies between two places. */
function pageOf(steps: readonly StoredStep[], begin: number, end: number, total: number): StepPage {
  return {
    steps,
    ...(end < total ? { next: end } : {}),
    ...(begin > 0 ? { previous: Math.min(begin, total) } : {}),
  };
}

function isGone(thrown: unknown): boolean {
  return (
    thrown instanceof CustodyError && ['not-found', 'format-invalid', 'state-damaged'].includes(thrown.code)
  );
}

function damaged(name: string, cause?: unknown): CustodyError {
  return new CustodyError('state-damaged', `${name} of the index is not what its directory says`, {
    hint: 'it is derived, and is made again',
    ...(cause === undefined ? {} : { cause }),
  });
}
