/** As large as a read can be. Larger reads save system calls on bulk transfers; beyond this it no longer shows. */
export const BLOCK_BYTES = 256 << 10;
/** Of a read, so that four large ones fill a slab with what stands around their frames: a little more, and only three would. */
const READ_BYTES = BLOCK_BYTES - 64;
/** Views up to this length are kept: small messages make no garbage. */
const CACHED_VIEWS = 4096;
/** Blocks kept for the next congestion, and for what waits to become durable. */
const SPARE_BLOCKS = 64;

/** A piece of memory that is filled from the front. */
export class Block {
  /** No Buffer: `slice` of one is no copy, and whoever keeps what was read needs one. */
  readonly bytes = new Uint8Array(Buffer.allocUnsafeSlow(BLOCK_BYTES).buffer);
  readonly #views: Uint8Array[] = [];
  #used = 0;

  get used(): number {
    return this.#used;
  }

  /** Copies as much of `bytes` as there is room for; returns how much that was. */
  append(bytes: Uint8Array): number {
    const length = Math.min(bytes.byteLength, BLOCK_BYTES - this.#used);
    this.bytes.set(length === bytes.byteLength ? bytes : bytes.subarray(0, length), this.#used);
    this.#used += length;
    return length;
  }

  /** What is in it. */
  content(): Uint8Array {
    return this.view(this.#used);
  }

  /** Its first `length` bytes. */
  view(length: number): Uint8Array {
    if (length > CACHED_VIEWS) return this.bytes.subarray(0, length);
    return (this.#views[length] ??= this.bytes.subarray(0, length));
  }

  clear(): void {
    this.#used = 0;
  }
}

/**
 * Memory that all relays of a thread share: a read is recorded and passed on before the next one happens, so one read
 * buffer serves every connection, and an idle connection owns none. Blocks that hold unsent bytes are used again: as
 * garbage they would keep V8's collector busy through every bulk transfer.
 */
export class RelayMemory {
  readonly #read = new Block();
  readonly #spare: Block[] = [];
  /** What every connection reads into. */
  readonly read = this.#read.bytes.subarray(0, READ_BYTES);

  /** The first `length` bytes of the read buffer. Valid until the next read. */
  view(length: number): Uint8Array {
    return this.#read.view(length);
  }

  /** An empty block. */
  take(): Block {
    return this.#spare.pop() ?? new Block();
  }

  /** Copies bytes behind what is in the last of the blocks, and into new ones. */
  append(blocks: Block[], bytes: Uint8Array): void {
    for (let at = 0; at < bytes.byteLength; ) {
      at += blocks.at(-1)?.append(at === 0 ? bytes : bytes.subarray(at)) ?? 0;
      if (at < bytes.byteLength) blocks.push(this.take());
    }
  }

  /** Nobody reads it any more. */
  give(block: Block): void {
    block.clear();
    if (this.#spare.length < SPARE_BLOCKS) this.#spare.push(block);
  }
}
