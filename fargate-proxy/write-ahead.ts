import type { SessionTape } from './recorder/tapes.ts';
import type { RawEnd } from './wire/raw-end.ts';
import type { Block, RelayMemory } from './wire/relay-memory.ts';

/** Held bytes beyond which the client is not read. */
const FULL_BYTES = 64 << 10;

export type AheadTape = Pick<SessionTape, 'durability' | 'slab' | 'whenDurable'>;

/** What was recorded into one slab: it becomes durable together. */
interface Batch {
  readonly slab: number;
  readonly blocks: Block[];
  /** Of the client's. */
  said: number;
}

/** Holds what the client sent until its frames are durable; then, in order, it goes to the target. */
export class WriteAhead {
  readonly #target: RawEnd;
  readonly #tape: AheadTape;
  readonly #memory: RelayMemory;
  #batches: Batch[] = [];
  #bytes = 0;
  #whenEmpty: (() => void)[] = [];

  constructor(target: RawEnd, tape: AheadTape, memory: RelayMemory) {
    this.#target = target;
    this.#tape = tape;
    this.#memory = memory;
  }

  get empty(): boolean {
    return this.#bytes === 0;
  }

  get full(): boolean {
    return this.#bytes > FULL_BYTES;
  }

  /**
   * Takes a copy of bytes that were just recorded. What was recorded into one slab shares one wait. `said`: how many bytes of the
   * client's they carry, where they are sealed for the target.
   */
  hold(bytes: Uint8Array, said = bytes.byteLength): void {
    this.#bytes += bytes.byteLength;
    const { slab } = this.#tape;
    const last = this.#batches.at(-1);
    if (last?.slab === slab) {
      last.said += said;
      return this.#memory.append(last.blocks, bytes);
    }
    const batch: Batch = { slab, blocks: [], said };
    this.#memory.append(batch.blocks, bytes);
    this.#batches.push(batch);
    this.#tape.whenDurable(() => this.#release(batch));
  }

  /** Calls `empty` once nothing is held. */
  whenEmpty(empty: () => void): void {
    if (this.#bytes === 0) empty();
    else this.#whenEmpty.push(empty);
  }

  /** Nothing that is held will be forwarded. Returns how many bytes of the client's that were. */
  drop(): number {
    const dropped = this.#batches.reduce((sum, { said }) => sum + said, 0);
    for (const { blocks } of this.#batches) for (const block of blocks) this.#memory.give(block);
    this.#batches = [];
    this.#bytes = 0;
    this.#whenEmpty = [];
    return dropped;
  }

  #release(batch: Batch): void {
    if (this.#batches[0] !== batch) return;
    this.#batches.shift();
    for (const block of batch.blocks) {
      this.#bytes -= block.used;
      this.#target.sendBlock(block);
    }
    if (this.#bytes > 0) return;
    for (const empty of this.#whenEmpty.splice(0)) empty();
  }
}
