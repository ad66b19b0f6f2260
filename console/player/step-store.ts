/** All steps of a session in bounded memory: times and marks as numbers, the steps themselves in compressed pieces. */
import type { JsonStep, ReadStep, ReplayReader } from '#core/replay/reader.ts';
import type { MarksOf } from './marks.ts';

const CHUNK_STEPS = 256;
/** Pieces that are kept as they are. */
const OPEN_CHUNKS = 12;
const HEAD_MAX = 300;
const WIDTH = 160;
const ROWS = new Set(['columns', 'rows', 'rowCount']);

export interface StoredStep {
  /** From 1. */
  readonly number: number;
  /** One line. */
  readonly head: string;
  readonly json: JsonStep;
}

export class StepStore {
  readonly #reader: Pick<ReplayReader, 'ofJson'>;
  readonly #marksOf: MarksOf;
  readonly #chunks: Promise<Blob>[] = [];
  readonly #open = new Map<number, Promise<readonly StoredStep[]>>();
  #filling: StoredStep[] = [];
  #at = new Float64Array(1024);
  #marks = new Uint8Array(1024);
  #count = 0;

  constructor(reader: Pick<ReplayReader, 'ofJson'>, marksOf: MarksOf) {
    this.#reader = reader;
    this.#marksOf = marksOf;
  }

  get count(): number {
    return this.#count;
  }

  /** Microseconds since the session's start; steps from 1. */
  at(number: number): number {
    return this.#at[number - 1] ?? 0;
  }

  marks(number: number): number {
    return this.#marks[number - 1] ?? 0;
  }

  add(read: ReadStep): void {
    const json = read.toJson();
    this.#grow();
    this.#at[this.#count] = read.step.at;
    this.#marks[this.#count] = this.#marksOf(read, json);
    this.#count += 1;
    this.#filling.push({ number: this.#count, head: headOf(this.#reader.ofJson(withoutRows(json))), json });
    if (this.#filling.length === CHUNK_STEPS) this.end();
  }

  /** Nothing follows. */
  end(): void {
    if (this.#filling.length === 0) return;
    this.#chunks.push(packed(this.#filling));
    this.#filling = [];
  }

  async step(number: number): Promise<StoredStep | undefined> {
    const steps = await this.#chunk(Math.floor((number - 1) / CHUNK_STEPS));
    return steps[(number - 1) % CHUNK_STEPS];
  }

  /** Those of `from` … `to` that there are. */
  async steps(from: number, to: number): Promise<readonly StoredStep[]> {
    const first = Math.floor((from - 1) / CHUNK_STEPS);
    const last = Math.floor((to - 1) / CHUNK_STEPS);
    const chunks = Array.from({ length: last - first + 1 }, (_, at) => this.#chunk(first + at));
    return (await Promise.all(chunks)).flat().filter(({ number }) => number >= from && number <= to);
  }

  /** All of them, a piece at a time. */
  async *pieces(): AsyncGenerator<readonly StoredStep[], void, undefined> {
    for (const chunk of this.#chunks) yield await unpacked(chunk);
  }

  /** The next with such a mark after `number`; or the one before it. */
  find(mark: number, number: number, way: 1 | -1): number | undefined {
    for (let at = number + way; at >= 1 && at <= this.#count; at += way)
      if ((this.marks(at) & mark) !== 0) return at;
    return undefined;
  }

  /** The last that began by then. */
  byTime(us: number): number {
    let [low, high] = [0, this.#count];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#at[middle]! <= us) low = middle + 1;
      else high = middle;
    }
    return Math.max(1, low);
  }

  #chunk(at: number): Promise<readonly StoredStep[]> {
    const chunk = this.#chunks[at];
    const found = this.#open.get(at) ?? (chunk === undefined ? Promise.resolve([]) : unpacked(chunk));
    this.#open.delete(at);
    this.#open.set(at, found);
    if (this.#open.size > OPEN_CHUNKS) this.#open.delete(this.#open.keys().next().value!);
    return found;
  }

  #grow(): void {
    if (this.#count < this.#at.length) return;
    const [at, marks] = [new Float64Array(2 * this.#count), new Uint8Array(2 * this.#count)];
    at.set(this.#at);
    marks.set(this.#marks);
    [this.#at, this.#marks] = [at, marks];
  }
}

function headOf(read: ReadStep): string {
  const [first = ''] = read.toText(WIDTH).split('\n', 1);
  // The time has a column of its own.
  return first.replace(/^\s*[\d.]+ s {2}/, '').slice(0, HEAD_MAX);
}

/** What a step says besides its rows, which are many. */
export function withoutRows(json: JsonStep): JsonStep {
  return Object.fromEntries(Object.entries(json).filter(([name]) => !ROWS.has(name)));
}

async function packed(steps: readonly StoredStep[]): Promise<Blob> {
  const text = new Blob([JSON.stringify(steps)]);
  return new Response(text.stream().pipeThrough(new CompressionStream('gzip'))).blob();
}

async function unpacked(chunk: Promise<Blob>): Promise<readonly StoredStep[]> {
  const stream = (await chunk).stream().pipeThrough(new DecompressionStream('gzip'));
  return JSON.parse(await new Response(stream).text()) as readonly StoredStep[];
}
