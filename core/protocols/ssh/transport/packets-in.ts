/** The peer's bytes cut into packets (RFC 4253 section 6). */

import { violation } from '../wire.ts';
import type { Opener } from './cipher.ts';
import { plain } from './ciphers.ts';

/** What must be taken from anybody (RFC 4253 section 6.1); what one who has logged in may send. */
export const MAX_PACKET = { stranger: 35_000, known: 256 * 1024 } as const;
/** The padding's length, one byte of payload, the least padding. */
const MIN_LENGTH = 6;
const MIN_PADDING = 4;

export class PacketReader {
  #opener: Opener = plain;
  #max: number = MAX_PACKET.stranger;
  /** Of the packet that is to come; wraps at 2^32 (section 6.4). */
  #sequence = 0;
  /** The beginning of a packet whose end is not here yet; it grows with what has come, never with what is announced. */
  #kept = Buffer.alloc(0);
  #keptBytes = 0;
  /** Of the packet at hand, once its head has been read. */
  #length: number | undefined;
  /** Packets and bytes under the keys of now. */
  packets = 0;
  bytes = 0;

  get sequence(): number {
    return this.#sequence;
  }

  useKeys(opener: Opener, fromZero: boolean): void {
    this.#opener = opener;
    if (fromZero) this.#sequence = 0;
    this.packets = 0;
    this.bytes = 0;
  }

  /** The peer has logged in. */
  allowMore(): void {
    this.#max = MAX_PACKET.known;
  }

  /** Calls for each packet with its payload, a view until the call returns. `deliver` may change the keys; false stops. */
  take(bytes: Uint8Array, deliver: (payload: Uint8Array) => boolean): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#keptBytes > 0) {
        const used = this.#keep(bytes, at);
        at += used;
        const size = this.#size(this.#kept, 0, this.#keptBytes);
        if (size === undefined || size > this.#keptBytes) continue;
        this.#keptBytes = 0;
        if (!this.#open(this.#kept, 0, deliver)) return;
        continue;
      }
      const size = this.#size(bytes, at, bytes.length);
      if (size === undefined || at + size > bytes.length) {
        this.#keep(bytes, at);
        return;
      }
      const start = at;
      at += size;
      if (!this.#open(bytes, start, deliver)) return;
    }
  }

  /** Bytes of the packet that begins at `at` with seal and all; undefined while its head is not there. */
  #size(bytes: Uint8Array, at: number, end: number): number | undefined {
    const { headBytes, tagBytes } = this.#opener;
    if (this.#length === undefined) {
      if (end - at < headBytes) return undefined;
      const length = this.#opener.length(bytes, at, this.#sequence);
      this.#checkLength(length);
      this.#length = length;
    }
    return 4 + this.#length + tagBytes;
  }

  #checkLength(length: number): void {
    const { block, lengthCounts } = this.#opener;
    const padded = lengthCounts ? length + 4 : length;
    if (length < MIN_LENGTH || length > this.#max || padded % block !== 0)
      throw violation('a packet has an impossible length');
  }

  /** Takes over what the packet at hand still needs: its head first, then the rest. */
  #keep(bytes: Uint8Array, at: number): number {
    const { headBytes, tagBytes } = this.#opener;
    const wanted = this.#length === undefined ? headBytes : 4 + this.#length + tagBytes;
    const taken = Math.min(wanted - this.#keptBytes, bytes.length - at);
    this.#grow(this.#keptBytes + taken);
    this.#kept.set(bytes.subarray(at, at + taken), this.#keptBytes);
    this.#keptBytes += taken;
    return taken;
  }

  #grow(needed: number): void {
    if (needed <= this.#kept.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#kept.length, 256));
    grown.set(this.#kept.subarray(0, this.#keptBytes));
    this.#kept = grown;
  }

  #open(bytes: Uint8Array, at: number, deliver: (payload: Uint8Array) => boolean): boolean {
    const length = this.#length!;
    this.#length = undefined;
    const packet = this.#opener.open(bytes, at, length, this.#sequence);
    if (packet === undefined) throw violation('a packet is not authentic');
    const padding = packet[0]!;
    // One byte of padding's length, and at least one of payload.
    if (padding < MIN_PADDING || padding + 2 > length) throw violation('a packet has an impossible padding');
    this.#sequence = (this.#sequence + 1) >>> 0;
    this.packets += 1;
    this.bytes += length;
    return deliver(packet.subarray(1, length - padding));
  }
}
