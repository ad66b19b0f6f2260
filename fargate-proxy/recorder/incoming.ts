import type { TakenRange } from '#core/recording/recorder.ts';
import { lastTimeMs, SlabReader } from '#core/recording/slab.ts';

/** What was taken for one commit. */
export interface Taken {
  readonly ranges: readonly TakenRange[];
  readonly bytes: number;
  /** So many of the oldest slabs are done with once it is durable: nothing more comes into them. */
  readonly slabs: number;
}

/** The slabs as the recorder sees them: all that was published and not yet taken, in order. */
export class Incoming {
  readonly #slabs: SlabReader[] = [];
  #done = 0;

  /** Whatever comes from now on comes into this one: the one before has all that it will ever have. */
  add(buffer: ArrayBufferLike): void {
    this.#slabs.push(new SlabReader(buffer));
  }

  /** Of no more than `most` slabs. Undefined where nothing has come. */
  take(most: number): Taken | undefined {
    const ranges: TakenRange[] = [];
    while (ranges.length < most) {
      const range = this.#slabs[0]?.take();
      if (range !== undefined) ranges.push({ ...range, at: lastTimeMs(range) });
      if (this.#slabs.length < 2) break;
      this.#slabs.shift();
      this.#done += 1;
    }
    if (ranges.length === 0) return undefined;
    const slabs = this.#done;
    this.#done = 0;
    return { ranges, bytes: ranges.reduce((sum, { bytes }) => sum + bytes, 0), slabs };
  }
}
