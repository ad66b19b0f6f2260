/** The least that a write-ahead mode can be: in the relay's own thread, without a hop, without a recording. */
import { generateKeyPairSync, hash, sign } from 'node:crypto';
import { constants, openSync, writeSync, writevSync } from 'node:fs';
import { Stream, type StreamNumber } from '#core/recording/format.ts';
import type { RelayTape } from '#proxy/relay.ts';

const ROOM_BYTES = 64 << 20;

interface Waiting {
  readonly bytes: Uint8Array;
  readonly durable: () => void;
}

/** One signature and one durable write for all that clients said in a turn of the loop, into zeros that are written before. */
export class Ahead {
  readonly #file: number;
  readonly #key = generateKeyPairSync('ed25519').privateKey;
  #waiting: Waiting[] = [];
  #at = 0;

  constructor(path: string) {
    this.#file = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_DSYNC, 0o600);
    writeSync(this.#file, Buffer.alloc(ROOM_BYTES));
  }

  wait(bytes: Uint8Array, durable: () => void): void {
    this.#waiting.push({ bytes, durable });
    if (this.#waiting.length === 1) setImmediate(() => this.#commit());
  }

  #commit(): void {
    const all = this.#waiting.splice(0);
    const lines = Buffer.from(all.map(({ bytes }) => hash('sha256', bytes, 'hex')).join('\n'), 'latin1');
    const pieces = [sign(null, lines, this.#key), lines, ...all.map(({ bytes }) => bytes)];
    const length = pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);
    if (this.#at + length > ROOM_BYTES) this.#at = 0;
    writevSync(this.#file, pieces, this.#at);
    this.#at += length;
    for (const { durable } of all) durable();
  }
}

/** A client's words wait for it; what the target says is kept nowhere. */
export class AheadTape implements RelayTape {
  readonly durability = 'write-ahead';
  readonly isLate = false;
  readonly isAmongOthers = false;
  readonly #ahead: Ahead;
  #said: Uint8Array = Buffer.alloc(0);
  position = 0;
  durable = 0;

  constructor(ahead: Ahead) {
    this.#ahead = ahead;
  }

  record(stream: StreamNumber, bytes: Uint8Array, length: number): boolean {
    if (stream !== Stream.client) return true;
    this.#said = Buffer.from(bytes.subarray(0, length));
    this.position += length;
    return true;
  }

  recorded(): Uint8Array {
    return this.#said;
  }

  whenDurable(durable: () => void): void {
    const { position } = this;
    this.#ahead.wait(this.#said, () => {
      this.durable = position;
      durable();
    });
  }

  note(): void {}
  whenCaughtUp(): void {}
  onWait(): void {}
}
