import { type CopyPiece, joined, type Operation } from './operations.ts';
import type { ReplayLimits, Step } from './step.ts';
import type { Texts } from './texts.ts';
import { showHex } from './values.ts';

const HEADER_BYTES = 5;

/** Data for a COPY that the server did not take: it had failed, or never began. */
export class Discarded {
  readonly #limits: ReplayLimits;
  readonly #texts: Texts;
  #at = 0;
  #copy: CopyPiece | undefined;

  constructor(limits: ReplayLimits, texts: Texts) {
    this.#limits = limits;
    this.#texts = texts;
  }

  take({ at, load }: Operation): void {
    if (load?.copy === undefined) return;
    if (this.#copy === undefined) this.#at = at;
    this.#copy = this.#copy === undefined ? load.copy : joined(this.#copy, load.copy, this.#limits.copy);
  }

  /** A step about all of it since the last. */
  step(): Step | undefined {
    if (this.#copy === undefined) return undefined;
    const { messages, bytes, sample } = this.#copy;
    this.#copy = undefined;
    const isBinary = sample.includes(0);
    const { copy: limit } = this.#limits;
    const shown = isBinary
      ? showHex(sample, limit, bytes)
      : this.#texts.shown({ bytes: sample, length: bytes }, limit);
    return {
      kind: 'copy-in',
      at: this.#at,
      took: 0,
      copy: { format: isBinary ? 'binary' : 'text', messages, bytes, sample: shown },
      bytes: { client: bytes + messages * HEADER_BYTES, server: 0 },
      outcome: 'skipped',
    };
  }
}
