import { createHash } from 'node:crypto';
import type { ShownGit } from './file-step.ts';

const HEAD = 12;

/** Counts packs, and takes the digest of what passed. */
export class GitPack {
  readonly #hash = createHash('sha256');
  readonly #isPack: boolean;
  #head = Buffer.alloc(0);
  #bytes = 0;
  #objects: number | undefined;
  #withheld = false;

  /** What passes in place of packs is an archive. */
  constructor(isPack: boolean) {
    this.#isPack = isPack;
  }

  get begun(): boolean {
    return this.#bytes > 0;
  }

  /** Another pack may follow. */
  next(): void {
    this.#head = Buffer.alloc(0);
  }

  take(part: Uint8Array, withheld: boolean): void {
    this.#bytes += part.length;
    this.#withheld ||= withheld;
    this.#hash.update(part);
    if (!this.#isPack || this.#head.length === HEAD) return;
    this.#head = Buffer.concat([this.#head, part.subarray(0, HEAD - this.#head.length)]);
    if (this.#head.length === HEAD && this.#head.toString('latin1', 0, 4) === 'PACK')
      this.#objects = (this.#objects ?? 0) + this.#head.readUInt32BE(8);
  }

  /** Ends it. */
  shown(): Pick<ShownGit, 'pack'> {
    if (this.#bytes === 0) return {};
    return {
      pack: {
        bytes: this.#bytes,
        ...(this.#objects === undefined ? {} : { objects: this.#objects }),
        ...(this.#withheld ? {} : { sha256: this.#hash.digest('hex') }),
      },
    };
  }
}
