import type { ShownReport } from '../step.ts';

const CANCELED = '57014';

/**
 * The Syncs that a COPY passed over, or would have if it had not failed before it came to them. The server answers those
 * behind the place where it failed, and that is told by the error: what it says of the line, or that the client gave up.
 */
export class SwallowedSyncs {
  /** Line feeds of the data before each. */
  readonly #linesBefore: number[] = [];
  #lines = 0;
  #hasEnd = false;

  data(lines: number): void {
    this.#lines += lines;
  }

  sync(): void {
    if (!this.#hasEnd) this.#linesBefore.push(this.#lines);
  }

  /** CopyDone or CopyFail. */
  end(): void {
    this.#hasEnd = true;
  }

  /** How many may be answered after `error`. */
  spare({ sqlstate, where }: ShownReport): number {
    if (this.#hasEnd && sqlstate === CANCELED) return 0;
    const line = /^COPY .*, line (\d+)/.exec(where ?? '')?.[1];
    if (line === undefined || !sqlstate.startsWith('22')) return this.#linesBefore.length;
    return this.#linesBefore.filter((before) => before >= Number(line)).length;
  }
}
