import { Readable } from 'node:stream';
import { CustodyError } from '#core/errors.ts';
import type { Asking } from './asking.ts';

/** Held bytes beyond which a client is not read. */
const HELD_MAX = 64 << 10;

export interface BodyEars {
  /** A piece of it, before anything is done with it. */
  readonly heard: (bytes: Buffer) => void;
  readonly over: (bytes: number) => void;
  /** What was heard until now may go on: now or later, in order. */
  readonly whenForwardable: (forward: () => void) => void;
}

/** The body of a request: heard first, then kept whole or passed on. */
export class RequestBody {
  readonly #asking: Asking;
  readonly #ears: BodyEars;
  #bytes = 0;
  #held = 0;
  #holds = 0;
  #isOver = false;

  constructor(asking: Asking, ears: BodyEars) {
    this.#asking = asking;
    this.#ears = ears;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Heard, and not passed on yet. */
  get held(): number {
    return this.#held;
  }

  /** All of it. `tooLong`: it has more than `most` bytes. */
  collect(most: number, done: (bytes: Buffer) => void, tooLong: (error: CustodyError) => void): void {
    const chunks: Buffer[] = [];
    let refused = false;
    this.#listen(
      (chunk) => {
        if (refused) return;
        chunks.push(chunk);
        if (this.#bytes <= most) return;
        refused = true;
        tooLong(bodyTooLong(most));
      },
      () => refused || done(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)),
    );
  }

  /** As it comes, in pieces that may go on. */
  stream(): Readable {
    const out = new Readable({ highWaterMark: HELD_MAX, read: () => this.#release(FULL) });
    this.#listen(
      (chunk) => {
        this.#held += chunk.length;
        if (this.#held > HELD_MAX) this.#hold(AHEAD);
        this.#ears.whenForwardable(() => {
          this.#held -= chunk.length;
          if (this.#held <= HELD_MAX) this.#release(AHEAD);
          if (!out.destroyed && !out.push(chunk)) this.#hold(FULL);
        });
      },
      () => this.#ears.whenForwardable(() => out.destroyed || out.push(null)),
    );
    return out;
  }

  /** The recorder is behind. */
  hold(): void {
    this.#hold(RECORDER);
  }

  resume(): void {
    this.#release(RECORDER);
  }

  #listen(heard: (bytes: Buffer) => void, over: () => void): void {
    const { body } = this.#asking;
    this.#asking.goOn();
    body.on('data', (chunk: Buffer) => {
      this.#bytes += chunk.length;
      this.#ears.heard(chunk);
      heard(chunk);
    });
    body.once('end', () => {
      this.#isOver = true;
      this.#ears.over(this.#bytes);
      over();
    });
    if (this.#holds !== 0) body.pause();
  }

  #hold(why: number): void {
    this.#holds |= why;
    this.#asking.body.pause();
  }

  #release(why: number): void {
    if ((this.#holds & why) === 0) return;
    this.#holds &= ~why;
    if (this.#holds === 0) this.#asking.body.resume();
  }
}

const RECORDER = 1;
const FULL = 2;
const AHEAD = 4;

export function bodyTooLong(most: number): CustodyError {
  return new CustodyError(
    'unsupported',
    `the body of this request is longer than ${most} bytes, and has to be looked at whole`,
    {
      hint: 'send less at once',
    },
  );
}
