/** Messages sealed into packets, several in one buffer when they come together (RFC 4253 section 6). */

import { writeUint32 } from '../wire.ts';
import type { Sealer } from './cipher.ts';
import { plain } from './ciphers.ts';
import type { Random } from './exchange-methods.ts';

/** Beyond it nothing waits for more. */
const ENOUGH = 64 * 1024;
const START_BYTES = 4 * 1024;
const MIN_PADDING = 4;
/** Random bytes fetched together: one by one they would cost more than the cipher. */
const PADDING_POOL = 4096;

export class PacketWriter {
  readonly #write: (bytes: Uint8Array) => void;
  readonly #random: Random;
  #sealer: Sealer = plain;
  #sequence = 0;
  #buffer = Buffer.allocUnsafeSlow(START_BYTES);
  #filled = 0;
  #corks = 0;
  #pool: Uint8Array = new Uint8Array(0);
  #poolAt = 0;
  /** Packets and bytes under the keys of now. */
  packets = 0;
  bytes = 0;

  constructor(write: (bytes: Uint8Array) => void, random: Random) {
    this.#write = write;
    this.#random = random;
  }

  useKeys(sealer: Sealer, fromZero: boolean): void {
    this.#sealer = sealer;
    if (fromZero) this.#sequence = 0;
    this.packets = 0;
    this.bytes = 0;
  }

  cork(): void {
    this.#corks += 1;
  }

  uncork(): void {
    this.#corks -= 1;
    if (this.#corks === 0) this.flush();
  }

  /** Bytes that go out as they are: the version line. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#filled);
    this.#filled += bytes.length;
    if (this.#corks === 0) this.flush();
  }

  send(payload: Uint8Array): void {
    const { block, lengthCounts, tagBytes } = this.#sealer;
    const counted = (lengthCounts ? 5 : 1) + payload.length + MIN_PADDING;
    const padding = MIN_PADDING + ((block - (counted % block)) % block);
    const length = 1 + payload.length + padding;
    this.#reserve(4 + length + tagBytes);
    const from = this.#filled;
    const to = from + 4 + length;
    writeUint32(this.#buffer, from, length);
    this.#buffer[from + 4] = padding;
    this.#buffer.set(payload, from + 5);
    this.#pad(to - padding, padding);
    this.#sealer.seal(this.#buffer, from, to, this.#sequence);
    this.#filled = to + tagBytes;
    this.#sequence = (this.#sequence + 1) >>> 0;
    this.packets += 1;
    this.bytes += length;
    if (this.#corks === 0 || this.#filled >= ENOUGH) this.flush();
  }

  flush(): void {
    if (this.#filled === 0) return;
    const bytes = this.#buffer.subarray(0, this.#filled);
    this.#filled = 0;
    this.#write(bytes);
  }

  #reserve(needed: number): void {
    if (this.#filled + needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#filled + needed, 2 * this.#buffer.length));
    grown.set(this.#buffer.subarray(0, this.#filled));
    this.#buffer = grown;
  }

  #pad(at: number, length: number): void {
    if (this.#poolAt + length > this.#pool.length) {
      this.#pool = this.#random(PADDING_POOL);
      this.#poolAt = 0;
    }
    for (let index = 0; index < length; index += 1)
      this.#buffer[at + index] = this.#pool[this.#poolAt + index]!;
    this.#poolAt += length;
  }
}
