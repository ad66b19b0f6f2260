import type { SessionTape } from './recorder/tapes.ts';
import type { RawEnd } from './wire/raw-end.ts';
import type { Block, RelayMemory } from './wire/relay-memory.ts';

/**
 * Held bytes beyond which the client is not read. A commit of a megabyte costs a few times what one of 64 KiB does, and takes as much longer:
 * so it is for a session alone. What others wait for shares its commits with less.
 */
const FULL_BYTES = 1 << 20;
const FULL_AMONG_OTHERS_BYTES = 64 << 10;
/** With no more it is read again: what comes while one commit is written fills the next. */
const ROOM_BYTES = FULL_BYTES / 2;

export type AheadTape = Pick<
  SessionTape,
  'durability' | 'position' | 'durable' | 'isAmongOthers' | 'recorded' | 'whenDurable'
>;

interface Held {
  /** It may go on once the tape is durable up to here. */
  readonly position: number;
  bytes: Uint8Array;
  /** How much of it is the client's. */
  readonly said: number;
}

/**
 * Holds what the client sent until its frames are durable; then, in order, it goes to the target. What was recorded as it is held
 * lies in the slab until then, and takes no memory here.
 */
export class WriteAhead {
  readonly #target: RawEnd;
  readonly #tape: AheadTape;
  readonly #memory: RelayMemory;
  #held: Held[] = [];
  #bytes = 0;
  #whenEmpty: (() => void)[] = [];
  #whenRoom: (() => void)[] = [];

  constructor(target: RawEnd, tape: AheadTape, memory: RelayMemory) {
    this.#target = target;
    this.#tape = tape;
    this.#memory = memory;
  }

  get empty(): boolean {
    return this.#bytes === 0;
  }

  get full(): boolean {
    if (this.#bytes <= FULL_AMONG_OTHERS_BYTES) return false;
    return this.#bytes > FULL_BYTES || this.#tape.isAmongOthers;
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

  /** Calls `room` once the client may be read again: while anything is held, not before some of it has gone on, whatever others do meanwhile. */
  whenRoom(room: () => void): void {
    if (this.#bytes === 0) room();
    else this.#whenRoom.push(room);
  }

  /** Nothing that is held will be forwarded. Returns how many bytes of the client's that were. */
  drop(): number {
    const dropped = this.#held.reduce((sum, { said }) => sum + said, 0);
    this.#held = [];
    this.#bytes = 0;
    this.#whenEmpty = [];
    this.#whenRoom = [];
    return dropped;
  }

  #hold(bytes: Uint8Array, said: number): void {
    this.#bytes += bytes.byteLength;
    const held: Held = { position: this.#tape.position, bytes, said };
    this.#held.push(held);
    this.#tape.whenDurable(
      () => this.#release(),
      () => (held.bytes = copyOf(held.bytes)),
    );
  }

  /** Everything that is durable by now: more than one was told of, often. */
  #release(): void {
    const { durable } = this.#tape;
    const until = this.#held.findIndex(({ position }) => position > durable);
    const pieces = this.#held.splice(0, until === -1 ? this.#held.length : until);
    if (pieces.length === 0) return;
    for (const { bytes } of pieces) this.#bytes -= bytes.byteLength;
    this.#send(pieces);
    if (this.#hasRoom) for (const room of this.#whenRoom.splice(0)) room();
    if (this.#bytes > 0) return;
    for (const empty of this.#whenEmpty.splice(0)) empty();
  }

  get #hasRoom(): boolean {
    return this.#bytes === 0 || (this.#bytes <= ROOM_BYTES && !this.#tape.isAmongOthers);
  }

  /** Many go as one: a write costs more than a copy. */
  #send(pieces: readonly Held[]): void {
    if (pieces.length === 1) return this.#target.sendCopy(pieces[0]!.bytes);
    const blocks: Block[] = [];
    for (const { bytes } of pieces) this.#memory.append(blocks, bytes);
    for (const block of blocks) this.#target.sendBlock(block);
  }
}

/** As large as they are: small ones share memory. */
function copyOf(bytes: Uint8Array): Uint8Array {
  return Buffer.from(bytes);
}
