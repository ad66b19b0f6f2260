import { Stream, type StreamNumber } from '#core/recording/format.ts';
import type { SessionTape } from '../../recorder/tapes.ts';

/**
 * What client and gateway said during the login, kept until there is a tape. Secrets never enter it: a message that
 * holds one is kept as its header and as many zero bytes, marked withheld.
 */
export class LoginTranscript {
  readonly #write: (bytes: Uint8Array) => void;
  readonly #said: { stream: StreamNumber; bytes: Uint8Array; withheld: boolean }[] = [];

  /** `write` sends to the client. */
  constructor(write: (bytes: Uint8Array) => void) {
    this.#write = write;
  }

  /** Sends to the client and keeps. */
  say(bytes: Uint8Array): void {
    this.#said.push({ stream: Stream.gateway, bytes, withheld: false });
    this.#write(bytes);
  }

  /** Keeps what the client sent. */
  client(bytes: Uint8Array): void {
    this.#said.push({ stream: Stream.client, bytes: Uint8Array.from(bytes), withheld: false });
  }

  /** Keeps a typed message of the client's without its body: the header, then as many zeros, withheld. */
  clientWithheld(type: number, bodyBytes: number): void {
    const header = Buffer.alloc(5);
    header[0] = type;
    header.writeInt32BE(4 + bodyBytes, 1);
    this.client(header);
    this.#said.push({ stream: Stream.client, bytes: new Uint8Array(bodyBytes), withheld: true });
  }

  playOnto(tape: SessionTape): void {
    for (const { stream, bytes, withheld } of this.#said.splice(0)) {
      if (withheld) tape.recordWithheld(stream, bytes.byteLength);
      else tape.record(stream, bytes, bytes.byteLength);
    }
  }
}
