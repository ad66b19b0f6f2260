/** pkt-lines, in which git's programs talk (gitprotocol-common, "pkt-line Format"). */
import { SshWriter, violation } from '#core/protocols/ssh/wire.ts';

/** Longer ones are not allowed; the four digits of the length are in it. */
const PACKET_MAX = 65_520;
const PACK = 0x50_41_43_4b;

export type GitSpecial = 'flush' | 'delimiter' | 'response-end';

export interface GitSink {
  /** Its content. The bytes are its own, or a view of the chunk. */
  packet(content: Uint8Array): void;
  special(kind: GitSpecial): void;
  /** Of a pack that stands outside packets, which is all that comes from its beginning on. A view of the chunk. */
  pack(part: Uint8Array): void;
}

/** Chunks in, packets out. Of one that is not whole at most 64 KiB are held. Throws `protocol-violation`. */
export class GitCutter {
  readonly #sink: GitSink;
  #held: SshWriter | undefined;
  #packing = false;

  constructor(sink: GitSink) {
    this.#sink = sink;
  }

  take(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#packing) return this.#sink.pack(chunk.subarray(at));
      at = this.#held === undefined ? this.#direct(chunk, at) : this.#gather(chunk, at, this.#held);
    }
  }

  #direct(chunk: Uint8Array, at: number): number {
    const rest = chunk.subarray(at);
    const needed = neededOf(rest);
    if (rest.length < needed) {
      this.#held = new SshWriter().raw(rest);
      return chunk.length;
    }
    this.#give(rest.subarray(0, needed));
    return at + needed;
  }

  #gather(chunk: Uint8Array, from: number, held: SshWriter): number {
    let at = from;
    for (let needed = neededOf(held.done()); held.length < needed; needed = neededOf(held.done())) {
      if (at === chunk.length) return at;
      const to = Math.min(chunk.length, at + needed - held.length);
      held.raw(chunk.subarray(at, to));
      at = to;
    }
    this.#held = undefined;
    this.#give(held.done());
    return at;
  }

  #give(bytes: Uint8Array): void {
    const length = lengthOf(bytes);
    if (length === 'pack') {
      this.#packing = true;
      this.#sink.pack(bytes);
    } else if (length >= 4) this.#sink.packet(bytes.subarray(4));
    else this.#sink.special(length === 0 ? 'flush' : length === 1 ? 'delimiter' : 'response-end');
  }
}

function neededOf(begun: Uint8Array): number {
  if (begun.length < 4) return 4;
  const length = lengthOf(begun);
  return length === 'pack' || length < 4 ? 4 : length;
}

function lengthOf(bytes: Uint8Array): number | 'pack' {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, 4);
  if (head.readUInt32BE() === PACK) return 'pack';
  const digits = head.toString('latin1');
  const length = /^[0-9a-fA-F]{4}$/.test(digits) ? Number.parseInt(digits, 16) : Number.NaN;
  if (!(length <= PACKET_MAX) || length === 3) throw violation('a length in the protocol of git is none');
  return length;
}
