/** What a terminal showed and was told, in bounded memory: older events are compressed, and what does not fit is said to be missing. */
import type { TerminalEvent } from '#core/replay/terminal.ts';
import { packed, unpacked } from './tape-chunk.ts';

export type TapeStart = Extract<TerminalEvent, { kind: 'start' }>;
export type TapeResize = Extract<TerminalEvent, { kind: 'resize' }>;
export type TapeInput = Extract<TerminalEvent, { kind: 'output' | 'input' }>;
export type TapeExit = Extract<TerminalEvent, { kind: 'exit' }>;

/** Nothing was seen between these moments. */
export interface Gap {
  readonly from: number;
  readonly to: number;
}

/** Events, by a chunk and their place in it. */
export interface TapePlace {
  readonly chunk: number;
  readonly index: number;
}

const CHUNK_BYTES = 256 << 10;
const CHUNK_EVENTS = 4096;
/** Compressed. */
const KEPT_MAX_BYTES = 96 << 20;
/** A chunk of one byte each would be all heads. */
const CHUNKS_MAX = 50_000;
/** Chunks that are kept as they are. */
const OPEN_CHUNKS = 6;
const GAP_MIN_US = 500_000;
const MARKS_MAX = 10_000;
/** Of what was typed. */
const INPUT_MAX_BYTES = 1 << 20;

export class Tape {
  readonly #chunks: Promise<Blob>[] = [];
  readonly #open = new Map<number, Promise<readonly TerminalEvent[]>>();
  readonly #gaps: Gap[] = [];
  readonly #resizes: TapeResize[] = [];
  readonly #inputs: TapeInput[] = [];
  #inputBytes = 0;
  #filling: TerminalEvent[] = [];
  #fillingBytes = 0;
  #keptBytes = 0;
  #until = 0;
  #seenUntil = 0;
  #outputBytes = 0;
  #start: TapeStart | undefined;
  #exit: TapeExit | undefined;
  #isCut = false;

  /** Undefined as long as there is no terminal. */
  get start(): TapeStart | undefined {
    return this.#start;
  }

  get exit(): TapeExit | undefined {
    return this.#exit;
  }

  /** The moment of the last event, microseconds since the session's start. */
  get until(): number {
    return this.#until;
  }

  get outputBytes(): number {
    return this.#outputBytes;
  }

  /** Half a second and longer, in their order. */
  get gaps(): readonly Gap[] {
    return this.#gaps;
  }

  get resizes(): readonly TapeResize[] {
    return this.#resizes;
  }

  /** What was typed, which may be a password that no screen showed. */
  get inputs(): readonly TapeInput[] {
    return this.#inputs;
  }

  /** Only its beginning is here. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /** How much of this tab's memory its events take, about. */
  get keptBytes(): number {
    return this.#keptBytes + this.#fillingBytes;
  }

  /** False where it takes no more. */
  add(event: TerminalEvent): boolean {
    if (this.#keptBytes > KEPT_MAX_BYTES || this.#chunks.length >= CHUNKS_MAX) this.#isCut = true;
    if (this.#isCut) return false;
    this.#until = Math.max(this.#until, event.at);
    if (event.kind === 'input') this.#typed(event);
    else this.#seen(event);
    return true;
  }

  /** The events from there on, as far as they are at hand, and where they begin; undefined at the end of what there is by now. */
  async next(
    place: TapePlace,
  ): Promise<{ readonly events: readonly TerminalEvent[]; readonly place: TapePlace } | undefined> {
    const events = await this.#events(place.chunk);
    if (place.index < events.length) return { events, place };
    if (place.chunk >= this.#chunks.length) return undefined;
    return this.next({ chunk: place.chunk + 1, index: 0 });
  }

  /** The gap that a moment lies in. */
  gapAt(us: number): Gap | undefined {
    let [low, high] = [0, this.#gaps.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#gaps[middle]!.to <= us) low = middle + 1;
      else high = middle;
    }
    const gap = this.#gaps[low];
    return gap !== undefined && gap.from <= us ? gap : undefined;
  }

  #typed(event: TapeInput): void {
    this.#inputBytes += event.bytes.length;
    if (this.#inputBytes <= INPUT_MAX_BYTES) this.#inputs.push(event);
  }

  #seen(event: TerminalEvent): void {
    this.#note(event);
    this.#filling.push(event);
    this.#fillingBytes += 'bytes' in event ? event.bytes.length : 64;
    if (this.#fillingBytes >= CHUNK_BYTES || this.#filling.length >= CHUNK_EVENTS) this.#seal();
  }

  #note(event: TerminalEvent): void {
    if (event.at - this.#seenUntil >= GAP_MIN_US && this.#gaps.length < MARKS_MAX)
      this.#gaps.push({ from: this.#seenUntil, to: event.at });
    this.#seenUntil = Math.max(this.#seenUntil, event.at);
    if (event.kind === 'start') this.#start ??= event;
    if (event.kind === 'exit') this.#exit = event;
    if (event.kind === 'output') this.#outputBytes += event.bytes.length;
    if (event.kind === 'resize' && this.#resizes.length < MARKS_MAX) this.#resizes.push(event);
  }

  #seal(): void {
    const chunk = packed(this.#filling);
    this.#chunks.push(chunk);
    void chunk.then(({ size }) => (this.#keptBytes += size));
    [this.#filling, this.#fillingBytes] = [[], 0];
  }

  #events(at: number): Promise<readonly TerminalEvent[]> {
    const chunk = this.#chunks[at];
    if (chunk === undefined) return Promise.resolve(this.#filling);
    const found = this.#open.get(at) ?? chunk.then(unpacked);
    this.#open.delete(at);
    this.#open.set(at, found);
    if (this.#open.size > OPEN_CHUNKS) this.#open.delete(this.#open.keys().next().value!);
    return found;
  }
}

/** Undefined where there is no terminal. What was typed is left out. */
export async function takeTape(source: AsyncIterable<TerminalEvent>): Promise<Tape | undefined> {
  const tape = new Tape();
  for await (const event of source) {
    if (event.kind === 'input') continue;
    if (!tape.add('bytes' in event ? { ...event, bytes: event.bytes.slice() } : event)) break;
  }
  return tape.start === undefined ? undefined : tape;
}
