/** Results that were read lately: to read one means to verify and decode a session from its start, and who pages through it asks often. */
import type { JsonStep } from '#core/replay/reader.ts';
import type { RowPieces } from './row-pieces.ts';

export interface KnownResult {
  readonly step: JsonStep;
  readonly verdict: string;
  readonly rows: RowPieces;
}

/** Of all that are kept, compressed. */
const KEPT_MAX_BYTES = 64 << 20;

/** Nothing of it is needed: what is not here is read again. */
export class KnownResults {
  readonly #results = new Map<string, Promise<KnownResult>>();
  readonly #sizes = new Map<string, number>();

  /** Asked for twice at once it is read once. */
  get(name: string, read: () => Promise<KnownResult>): Promise<KnownResult> {
    const known = this.#results.get(name);
    const result = known ?? this.#reading(name, read);
    this.#results.delete(name);
    this.#results.set(name, result);
    return result;
  }

  #reading(name: string, read: () => Promise<KnownResult>): Promise<KnownResult> {
    const reading = read();
    reading.then(
      ({ rows }) => this.#keep(name, rows.bytes),
      () => this.#results.delete(name),
    );
    return reading;
  }

  #keep(name: string, bytes: number): void {
    this.#sizes.set(name, bytes);
    let sum = [...this.#sizes.values()].reduce((all, one) => all + one, 0);
    for (const oldest of this.#results.keys()) {
      const size = this.#sizes.get(oldest);
      if (sum <= KEPT_MAX_BYTES || oldest === name) return;
      if (size === undefined) continue;
      sum -= size;
      this.#results.delete(oldest);
      this.#sizes.delete(oldest);
    }
  }
}
