import type { Duplex } from 'node:stream';
import { CustodyError } from '#core/errors.ts';

/** What a peer may cost before it is authenticated, bytes. */
export const HANDSHAKE_MAX_BYTES = 64 << 10;

/**
 * Reads the messages of a login, one at a time, from a stream that is not flowing. Holds at most `maxBytes`; what it
 * has read beyond the last message stays available as `rest()` for whoever takes the stream over.
 */
export class HandshakeReader {
  readonly #stream: Duplex;
  readonly #maxBytes: number;
  #buffered: Buffer = Buffer.alloc(0);

  constructor(stream: Duplex, maxBytes = HANDSHAKE_MAX_BYTES) {
    this.#stream = stream;
    this.#maxBytes = maxBytes;
  }

  /**
   * Resolves with the next message. `parse` is given all unread bytes and returns the message and its length, or
   * undefined when it needs more. Rejects with `protocol-violation` when the peer sends too much, and with `peer-left`.
   */
  async next<T>(parse: (bytes: Buffer) => Parsed<T> | undefined): Promise<T> {
    for (;;) {
      const parsed = this.#buffered.byteLength === 0 ? undefined : parse(this.#buffered);
      if (parsed !== undefined) {
        this.#buffered = this.#buffered.subarray(parsed.byteLength);
        return parsed.message;
      }
      this.#append(await this.#read());
    }
  }

  /** Unread bytes that have arrived; they are the caller's now. */
  rest(): Buffer {
    const rest = this.#buffered;
    this.#buffered = Buffer.alloc(0);
    const more = this.#stream.read() as Buffer | null;
    return more === null ? rest : Buffer.concat([rest, more]);
  }

  #append(chunk: Buffer): void {
    if (this.#buffered.byteLength + chunk.byteLength > this.#maxBytes) {
      throw new CustodyError('protocol-violation', 'too much was sent before the login was complete');
    }
    this.#buffered = this.#buffered.byteLength === 0 ? chunk : Buffer.concat([this.#buffered, chunk]);
  }

  async #read(): Promise<Buffer> {
    const ready = this.#stream.read() as Buffer | null;
    if (ready !== null) return ready;
    await readable(this.#stream);
    return this.#read();
  }
}

export interface Parsed<T> {
  readonly message: T;
  readonly byteLength: number;
}

/** Resolves when there is something to read; rejects when the stream has ended or failed. */
function readable(stream: Duplex): Promise<void> {
  return new Promise((resolve, reject) => {
    const left = (): void => done(() => reject(peerLeft()));
    const failed = (error: Error): void => done(() => reject(peerLeft(error)));
    const ready = (): void => done(resolve);
    function done(settle: () => void): void {
      stream.off('readable', ready).off('end', left).off('close', left).off('error', failed);
      settle();
    }
    if (stream.readableEnded || stream.destroyed) return left();
    stream.on('readable', ready).on('end', left).on('close', left).on('error', failed);
  });
}

function peerLeft(cause?: Error): CustodyError {
  const detail = cause?.message;
  return new CustodyError('peer-left', 'the connection was closed during the login', {
    ...(detail === undefined ? {} : { detail, cause }),
  });
}
