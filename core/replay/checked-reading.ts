import { CustodyError } from '#core/errors.ts';
import type { RecordedFrame } from '#core/recording/read.ts';
import type { Opening, Reading, VerifyReport } from '#core/recording/verify/verify.ts';

/** A recording that is verified while it is read: `open`, then `frames`, then `finish`. */
export class CheckedReading {
  readonly #reading: AsyncGenerator<Reading, VerifyReport, undefined>;
  readonly #throwFailure: () => void;
  readonly #pause: (() => Promise<unknown>) | undefined;
  #fault: string | undefined;
  #report: VerifyReport | undefined;

  /**
   * `throwFailure` throws where it is no fault of the evidence that it cannot be read. `pause` is waited for after about each MiB:
   * who has others to serve lets them.
   */
  constructor(
    reading: AsyncGenerator<Reading, VerifyReport, undefined>,
    throwFailure: () => void,
    pause?: () => Promise<unknown>,
  ) {
    this.#reading = reading;
    this.#throwFailure = throwFailure;
    this.#pause = pause;
  }

  /** Why frames are given no further. */
  get fault(): string | undefined {
    return this.#fault;
  }

  async open(): Promise<Opening> {
    const { value } = await this.#reading.next();
    if ('opening' in value) return value.opening;
    throw new CustodyError('internal', 'a verifier has to begin with what the statements say');
  }

  /** Frames that hold. Throws `format-invalid` where the next one does not. */
  async *frames(): AsyncGenerator<RecordedFrame, void, undefined> {
    for (;;) {
      const { done, value } = await this.#reading.next();
      if (done) {
        this.#report = value;
        return;
      }
      if ('frames' in value) {
        yield* value.frames;
        await this.#pause?.();
      } else if ('fault' in value) {
        this.#throwFailure();
        this.#fault = value.fault;
        throw new CustodyError('format-invalid', `from here on it does not verify: ${value.fault}`);
      }
    }
  }

  /** Checks what is left. */
  async finish(): Promise<VerifyReport> {
    while (this.#report === undefined) {
      const { done, value } = await this.#reading.next();
      if (done) this.#report = value;
    }
    this.#throwFailure();
    return this.#report;
  }
}
