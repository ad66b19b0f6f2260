import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { ClientConnection } from './client-connection.ts';

/** A request of a client's, by HTTP/1.1 or HTTP/2, and the way to answer it. */
export interface Asking {
  readonly http: '1.1' | '2';
  readonly connection: ClientConnection;
  readonly method: string;
  /** As it came: path and query. */
  readonly target: string;
  /** Names and values, one after the other, as they came; of HTTP/2 pseudo-headers are among them. */
  readonly headers: readonly string[];
  /** False where no body will come. */
  readonly hasBody: boolean;
  /** What its body has not said by now is not wanted: it flows once somebody listens. */
  readonly body: Readable;
  /** Behind the body; none where that is not over. */
  readonly trailers: readonly string[];
  /** Neither side waits for the other any more. */
  readonly gone: boolean;
  /** The client asks for another protocol, and its connection stands behind the request. */
  readonly upgrade?: {
    /** What came behind it. */
    readonly head: Buffer;
    /** Leaves the connection to whoever speaks that protocol. */
    switched(): Socket;
  };
  /** Told once when the client left before the answer was over. */
  onGone(gone: () => void): void;
  /** Where the client waits for leave to send the body (RFC 9110 section 10.1.1). */
  goOn(): void;
  /** Names and values, one after the other. `bodiless`: nothing will follow. */
  answer(status: number, headers: string[], bodiless: boolean): void;
  /** False: wait for `onDrain` before the next. */
  write(bytes: Uint8Array): boolean;
  onDrain(drained: () => void): void;
  end(trailers?: readonly string[]): void;
  /** The whole answer. */
  answerWith(status: number, headers: string[], body: Uint8Array): void;
  /** Breaks an answer off so that the client sees that it is not whole. */
  breakOff(): void;
}
