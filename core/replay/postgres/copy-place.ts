import type { Answer } from './answer.ts';
import type { Operation } from './operations.ts';
import type { ShownReport } from './step.ts';

const HEADER_BYTES = 5;
const CANCELED = '57014';
/** Bytes that are no text, or none of the server's: it reads on behind the line, to see whether the next make a character of them. */
const OF_BYTES = new Set(['22021', '22P05']);

/**
 * Which of the client's messages a COPY takes, and where the server is after one that failed. While it takes data it passes
 * over every Sync, and when it fails it goes on behind the place where it did: Syncs that came before the end of the data
 * may have been passed over, or be answered. What the error says of the line tells mostly; else the answers do.
 */
export class CopyPlace {
  /** After an error: at a Sync that is spare, perhaps; ReadyForQuery came, and what comes next tells what it answered. */
  #place: 'known' | 'at-spare' | 'behind-ready' = 'known';
  /** So many Syncs that seemed to be passed over may yet be answered. */
  #spare = 0;
  #isExact = false;
  #takes = false;
  #hasEnd = false;
  /** Line feeds in the data so far, and before each Sync. */
  #lines = 0;
  #linesBefore: number[] = [];

  get place(): 'known' | 'at-spare' | 'behind-ready' {
    return this.#place;
  }

  get hasSpare(): boolean {
    return this.#spare > 0;
  }

  /** The error told which they are: those that are spare are answered. */
  get isExact(): boolean {
    return this.#isExact;
  }

  /** Data of the client is the running statement's. */
  get takes(): boolean {
    return this.#takes;
  }

  begin(fromClient: boolean): void {
    this.end();
    this.#takes = fromClient;
  }

  /** A message that the running COPY takes; returns its bytes. */
  take({ kind, load, bytes }: Operation, answer: Answer): number {
    if (kind === 'sync') this.#linesBefore.push(this.#lines);
    if (kind === 'copy-end') {
      this.#takes = false;
      this.#hasEnd = true;
    }
    if (load?.copy === undefined) return bytes;
    answer.copyPiece(load.copy);
    this.#lines += load.copy.lines;
    return load.copy.bytes + load.copy.messages * HEADER_BYTES;
  }

  /** `skips`: the server now passes over what is before a Sync. */
  failed(error: ShownReport, skips: boolean): void {
    const spare = this.#spareAfter(error);
    this.#spare += spare;
    if (skips && spare > 0) this.#place = 'at-spare';
  }

  end(): void {
    this.#takes = false;
    this.#hasEnd = false;
    this.#lines = 0;
    this.#linesBefore = [];
  }

  useSpare(): void {
    this.#spare--;
    this.#place = 'known';
  }

  isBehindReady(): void {
    this.#place = 'behind-ready';
  }

  isFound(): void {
    this.#place = 'known';
  }

  /** The server has come to something behind them all. */
  forget(): void {
    this.#spare = 0;
  }

  #spareAfter({ sqlstate, where }: ShownReport): number {
    if (this.#hasEnd && sqlstate === CANCELED) return 0;
    const line = /^COPY .*, line (\d+)/.exec(where ?? '')?.[1];
    const isOfLine = line !== undefined && sqlstate.startsWith('22') && !OF_BYTES.has(sqlstate);
    this.#isExact = isOfLine && Number.isFinite(this.#lines);
    if (!isOfLine) return this.#linesBefore.length;
    return this.#linesBefore.filter((before) => before >= Number(line)).length;
  }
}
