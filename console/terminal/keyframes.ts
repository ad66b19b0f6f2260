/** States of the emulator along a tape: as many as fit a bound of memory, evenly spread. */
import type { Keyframe } from './keyframe.ts';
import type { TapePlace } from './tape.ts';

export interface KeyframeAt {
  readonly frame: Keyframe;
  /** Of the last event that was drawn. */
  readonly at: number;
  /** Behind that event. */
  readonly place: TapePlace;
  /** Drawn by then. */
  readonly bytes: number;
}

/** Output between two of them: the emulator draws that much in some hundredths of a second. */
const EVERY_BYTES = 512 << 10;
const KEPT_MAX_BYTES = 48 << 20;

export class Keyframes {
  #all: KeyframeAt[] = [];
  #every = EVERY_BYTES;
  #bytes = 0;

  /** Whether one is wanted where so much was drawn. */
  isDue(bytes: number): boolean {
    return bytes - (this.#all.at(-1)?.bytes ?? 0) >= this.#every;
  }

  add(one: KeyframeAt): void {
    this.#all.push(one);
    this.#bytes += one.frame.bytes;
    if (this.#bytes > KEPT_MAX_BYTES) this.#thin();
  }

  /** The last that shows nothing later than that moment. */
  before(us: number): KeyframeAt | undefined {
    return this.#all.findLast(({ at }) => at <= us);
  }

  /** Every other one goes. */
  #thin(): void {
    this.#all = this.#all.filter((_, index) => index % 2 === 1);
    this.#bytes = this.#all.reduce((sum, { frame }) => sum + frame.bytes, 0);
    this.#every *= 2;
  }
}
