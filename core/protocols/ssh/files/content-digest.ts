/** SHA-256 of what passed of a file, in the order in which it passed. */
import { createHash, type Hash } from 'node:crypto';

/** More pieces than these are counted, but have no digest of their own. */
const RANGES_MAX = 32;

export interface ContentRange {
  /** Position of its first byte in the file. */
  readonly from: number;
  readonly bytes: number;
  readonly sha256: string;
}

export interface ContentDigest {
  /** All bytes that passed; those that passed twice count twice. */
  readonly bytes: number;
  /** Of one run from the file's beginning. */
  readonly sha256?: string;
  /** In place of it: several runs, or one that begins further on. */
  readonly ranges?: readonly ContentRange[];
  /** Bytes of runs that are not in `ranges`. */
  readonly unlisted?: number;
  /** Some position passed more than once: the file holds what passed last. */
  readonly overlapping?: true;
}

interface Run {
  readonly from: number;
  to: number;
  readonly hash: Hash;
}

/** Content comes at any position; what goes on where a piece ended belongs to that piece. Bounded whatever comes. */
export class ContentRuns {
  readonly #runs: Run[] = [];
  #current: Run | undefined;
  #bytes = 0;
  #unlisted = 0;
  #overlapping = false;

  /** The next content is of this position. */
  at(position: number): void {
    if (this.#current?.to === position) return;
    this.#current = this.#runs.find((run) => run.to === position) ?? this.#begin(position);
  }

  take(part: Uint8Array): void {
    this.#bytes += part.length;
    const run = this.#current;
    if (run === undefined) {
      this.#unlisted += part.length;
      return;
    }
    run.hash.update(part);
    run.to += part.length;
    this.#overlapping ||= this.#runs.some(
      (other) => other !== run && other.from < run.to && run.to - part.length < other.to,
    );
  }

  /** `undefined` when nothing passed. Ends it. */
  digest(): ContentDigest | undefined {
    const ranges = this.#runs
      .filter((run) => run.to > run.from)
      .map(({ from, to, hash }) => ({ from, bytes: to - from, sha256: hash.digest('hex') }));
    if (ranges.length === 0) return undefined;
    const whole = ranges.length === 1 && ranges[0]!.from === 0 && this.#unlisted === 0;
    return {
      bytes: this.#bytes,
      ...(whole ? { sha256: ranges[0]!.sha256 } : { ranges }),
      ...(this.#unlisted > 0 ? { unlisted: this.#unlisted } : {}),
      ...(this.#overlapping ? { overlapping: true as const } : {}),
    };
  }

  #begin(position: number): Run | undefined {
    if (this.#runs.length === RANGES_MAX) return undefined;
    const run = { from: position, to: position, hash: createHash('sha256') };
    this.#runs.push(run);
    return run;
  }
}
