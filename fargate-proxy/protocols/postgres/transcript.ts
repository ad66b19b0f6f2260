import { Stream, type StreamNumber } from '#core/recording/format.ts';
import type { SessionTape } from '../../recorder/tapes.ts';

/**
 * What client and gateway said during the login, kept until there is a tape. Secrets never enter it: a message that
 * holds one is kept as its header and as many zero bytes.
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

  /** Keeps a typed message of the client's without its body. */
  clientWithheld(type: number, bodyBytes: number): void {
    this.#said.push({ stream: Stream.client, bytes: withheldMessage(type, bodyBytes), withheld: true });
  }

  playOnto(tape: SessionTape): void {
    for (const { stream, bytes, withheld } of this.#said.splice(0)) {
      if (withheld) tape.recordWithheld(stream, bytes);
      else tape.record(stream, bytes, bytes.byteLength);
    }
  }
}

/** A typed message whose body is zeros. */
export function withheldMessage(type: number, bodyBytes: number): Uint8Array {
  const message = Buffer.alloc(5 + bodyBytes);
  message[0] = type;
  message.writeInt32BE(4 + bodyBytes, 1);
  return message;
}
