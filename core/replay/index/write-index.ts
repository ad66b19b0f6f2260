/** Writes an index of steps that go by: a chunk in memory at a time, and a few on their way. FORMAT.md. */
import { CustodyError } from '#core/errors.ts';
import { sha256Hex } from '#core/recording/statements.ts';
import type { SessionSummary } from '../summary/summary.ts';
import { packChunk } from './chunk.ts';
import {
  CHUNK_CHARACTERS,
  CHUNKS_A_PAGE,
  type Chunk,
  chunkName,
  type Directory,
  PAGES_MAX,
  type Page,
  pageName,
  SEGMENTS_A_PAGE,
  type SegmentEntry,
  SUMMARY,
  segmentsName,
} from './format.ts';
import { marksOf, type NumberedStep, stepLine } from './stored-step.ts';
import { Tallying } from './tally.ts';

/** Stores an object of the index. When it returns, the object is durable. */
export type PutPart = (name: string, bytes: Uint8Array) => Promise<void>;

export type Contents = Pick<Directory, 'total' | 'pages' | 'segments' | 'summary'>;

/** Chunks that are compressed and stored while the next one is filled. */
const CHUNKS_UNDER_WAY = 4;

export class IndexWriter {
  readonly #put: PutPart;
  readonly #total = new Tallying(1, 0);
  readonly #pages: Page[] = [];
  readonly #segmentPages: Directory['segments'][number][] = [];
  readonly #underWay: Promise<Chunk>[] = [];
  #chunks: Chunk[] = [];
  #segments: SegmentEntry[] = [];
  #chunk = new Tallying(1, 0);
  #lines: string[] = [];
  #characters = 0;
  #chunkCount = 0;

  constructor(put: PutPart) {
    this.#put = put;
  }

  async add(step: NumberedStep): Promise<void> {
    const marks = marksOf(step);
    const line = stepLine(marks, step);
    this.#lines.push(line);
    this.#characters += line.length;
    this.#chunk.add(marks);
    if (this.#characters < CHUNK_CHARACTERS) return;
    await this.#flush();
    this.#chunk = new Tallying(marks.number + 1, marks.segment);
  }

  /** What an index was made of is named by its segments, in the order in which they were read. */
  async segment(entry: SegmentEntry): Promise<void> {
    this.#segments.push(entry);
    if (this.#segments.length === SEGMENTS_A_PAGE) await this.#endSegments();
  }

  /** `summary`: what the steps came to. */
  async finish(summary: SessionSummary): Promise<Contents> {
    if (this.#chunk.steps > 0) await this.#flush();
    while (this.#underWay.length > 0) await this.#settleOne();
    if (this.#chunks.length > 0) await this.#endPage();
    if (this.#segments.length > 0) await this.#endSegments();
    const stored = await this.#putJson(SUMMARY, summary);
    return { total: this.#total.sum(), pages: this.#pages, segments: this.#segmentPages, summary: stored };
  }

  /** Waits for what is under way where something of it failed: nothing goes on behind the caller's back. */
  async abandon(): Promise<void> {
    await Promise.allSettled(this.#underWay);
  }

  async #flush(): Promise<void> {
    const [lines, tally] = [this.#lines.join(''), this.#chunk.sum()];
    const name = chunkName(this.#chunkCount);
    this.#lines = [];
    this.#characters = 0;
    this.#chunkCount += 1;
    const stored = this.#store(name, lines, tally);
    stored.catch(() => undefined);
    this.#underWay.push(stored);
    if (this.#underWay.length >= CHUNKS_UNDER_WAY) await this.#settleOne();
  }

  async #store(name: string, lines: string, tally: ReturnType<Tallying['sum']>): Promise<Chunk> {
    const bytes = await packChunk(lines);
    await this.#put(name, bytes);
    return { ...tally, sha256: sha256Hex(bytes), bytes: bytes.byteLength };
  }

  async #settleOne(): Promise<void> {
    const chunk = await this.#underWay.shift()!;
    this.#total.addAll(chunk);
    this.#chunks.push(chunk);
    if (this.#chunks.length === CHUNKS_A_PAGE) await this.#endPage();
  }

  async #endPage(): Promise<void> {
    const [first] = this.#chunks;
    const tallying = new Tallying(first!.first, first!.segments[0]);
    for (const chunk of this.#chunks) tallying.addAll(chunk);
    if (this.#pages.length === PAGES_MAX) throw tooMuch();
    const stored = await this.#putJson(pageName(this.#pages.length), this.#chunks);
    this.#pages.push({ ...tallying.sum(), ...stored });
    this.#chunks = [];
  }

  async #endSegments(): Promise<void> {
    if (this.#segmentPages.length === PAGES_MAX) throw tooMuch();
    const [first, last] = [this.#segments[0]![0], this.#segments.at(-1)![0]];
    const stored = await this.#putJson(segmentsName(this.#segmentPages.length), this.#segments);
    this.#segmentPages.push({ first, last, ...stored });
    this.#segments = [];
  }

  async #putJson(name: string, value: unknown): Promise<{ sha256: string; bytes: number }> {
    const bytes = Buffer.from(`${JSON.stringify(value)}\n`);
    await this.#put(name, bytes);
    return { sha256: sha256Hex(bytes), bytes: bytes.byteLength };
  }
}

function tooMuch(): CustodyError {
  return new CustodyError('unsupported', 'the recording has more steps than an index can name', {
    hint: 'custody play reads it from its start',
  });
}
