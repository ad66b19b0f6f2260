import type { SessionTape } from './recorder/tapes.ts';
import type { RawEnd } from './wire/raw-end.ts';
import type { Block, RelayMemory } from './wire/relay-memory.ts';

/** Held bytes beyond which the client is not read. */
const FULL_BYTES = 64 << 10;

export type AheadTape = Pick<SessionTape, 'durability' | 'slab' | 'recorded' | 'whenDurable'>;

/** What was recorded into one slab: it becomes durable together. */
interface Batch {
  readonly slab: number;
  pieces: Uint8Array[];
  /** Of the client's. */
  said: number;
}

/**
 * Holds what the client sent until its frames are durable; then, in order, it goes to the target. What was recorded as it is held
 * lies in the slab until then, and takes no memory here.
 */
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

  /** Takes bytes that are the very last that were recorded, as they lie in the slab: nothing may have been recorded since. */
  holdRecorded(bytes: Uint8Array): void {
    this.#hold(this.#tape.recorded(bytes.byteLength) ?? copyOf(bytes), bytes.byteLength);
  }

  /**
   * Takes a copy of bytes whose frames were recorded, in whatever form. `said`: how many bytes of the client's they carry, where they
   * are sealed for the target.
   */
  hold(bytes: Uint8Array, said = bytes.byteLength): void {
    this.#hold(copyOf(bytes), said);
  }

  /** Calls `empty` once nothing is held. */
  whenEmpty(empty: () => void): void {
    if (this.#bytes === 0) empty();
    else this.#whenEmpty.push(empty);
  }

  /** Nothing that is held will be forwarded. Returns how many bytes of the client's that were. */
  drop(): number {
    const dropped = this.#batches.reduce((sum, { said }) => sum + said, 0);
    this.#batches = [];
    this.#bytes = 0;
    this.#whenEmpty = [];
    return dropped;
  }

  /** What was recorded into one slab shares one wait. */
  #hold(piece: Uint8Array, said: number): void {
    this.#bytes += piece.byteLength;
    const { slab } = this.#tape;
    const last = this.#batches.at(-1);
    if (last?.slab === slab) {
      last.said += said;
      last.pieces.push(piece);
      return;
    }
    const batch: Batch = { slab, pieces: [piece], said };
    this.#batches.push(batch);
    this.#tape.whenDurable(
      () => this.#release(batch),
      () => (batch.pieces = batch.pieces.map(copyOf)),
    );
  }

  #release(batch: Batch): void {
    if (this.#batches[0] !== batch) return;
    this.#batches.shift();
    for (const piece of batch.pieces) this.#bytes -= piece.byteLength;
    this.#send(batch.pieces);
    if (this.#bytes > 0) return;
    for (const empty of this.#whenEmpty.splice(0)) empty();
  }

  /** Many go as one: a write costs more than a copy. */
  #send(pieces: readonly Uint8Array[]): void {
    if (pieces.length === 1) return this.#target.sendCopy(pieces[0]!);
    const blocks: Block[] = [];
    for (const piece of pieces) this.#memory.append(blocks, piece);
    for (const block of blocks) this.#target.sendBlock(block);
  }
}

/** As large as they are: small ones share memory. */
function copyOf(bytes: Uint8Array): Uint8Array {
  return Buffer.from(bytes);
}
