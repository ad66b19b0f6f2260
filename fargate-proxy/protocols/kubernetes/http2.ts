/** Requests by HTTP/2: node's own session reads and writes them. */
import { constants, performServerHandshake, type ServerHttp2Stream } from 'node:http2';
import type { Asking } from './asking.ts';
import type { ClientConnection } from './client-connection.ts';
import { HEAD_MAX, HEADERS_MAX } from './http1.ts';

/** As many as an API server lets a connection have. */
const STREAMS_MAX = 250;
/** Of a body that was not read yet, for each stream. */
const WINDOW_BYTES = 256 << 10;
/** Bytes that a peer may make a connection keep. */
const SESSION_MEGABYTES = 16;
/** A peer that opens streams and takes them back makes work for nothing (CVE-2023-44487): so many at once, and then so many a second. */
const RESETS = { burst: 500, rate: 50 };

export interface Http2Connection {
  /** Calls in progress are the last ones. */
  drain(): void;
}

/** Serves what comes by the connection until it closes. */
export function serveHttp2(connection: ClientConnection, take: (asking: Asking) => void): Http2Connection {
  // As node's own TLS server says when a handshake is over: the session waits for it.
  Object.assign(connection.secure, { secureConnecting: false });
  const session = performServerHandshake(connection.secure, {
    maxHeaderListPairs: HEADERS_MAX,
    maxSessionMemory: SESSION_MEGABYTES,
    maxOutstandingPings: 10,
    maxSettings: 32,
    maxSessionInvalidFrames: 100,
    maxSessionRejectedStreams: 100,
    streamResetBurst: RESETS.burst,
    streamResetRate: RESETS.rate,
    settings: {
      enableConnectProtocol: false,
      enablePush: false,
      maxConcurrentStreams: STREAMS_MAX,
      maxHeaderListSize: HEAD_MAX,
      initialWindowSize: WINDOW_BYTES,
    },
  });
  session.on('error', () => session.destroy());
  session.on('stream', (stream, _headers, flags, raw) => {
    stream.on('error', () => undefined);
    take(new Http2Asking(connection, stream, raw, flags));
  });
  return { drain: () => session.close() };
}

class Http2Asking implements Asking {
  readonly http = '2';
  readonly connection: ClientConnection;
  readonly method: string = '';
  readonly target: string = '';
  readonly headers: readonly string[];
  readonly hasBody: boolean;
  readonly body: ServerHttp2Stream;
  readonly trailers: string[] = [];
  /** The whole answer was given. */
  #ended = false;
  #waits = false;
  #trailers: readonly string[] = [];

  constructor(
    connection: ClientConnection,
    stream: ServerHttp2Stream,
    headers: readonly string[],
    flags: number,
  ) {
    this.connection = connection;
    this.headers = headers;
    this.body = stream;
    this.hasBody = (flags & constants.NGHTTP2_FLAG_END_STREAM) === 0;
    for (let at = 0; at < headers.length; at += 2) {
      const name = headers[at];
      if (name === ':method') this.method = headers[at + 1]!;
      else if (name === ':path') this.target = headers[at + 1]!;
      else if (name === 'expect') this.#waits = headers[at + 1]!.toLowerCase() === '100-continue';
    }
    if (this.hasBody)
      stream.on('trailers', (_headers, _flags, raw?: string[]) => this.trailers.push(...(raw ?? [])));
  }

  get gone(): boolean {
    return this.body.destroyed || this.body.closed;
  }

  onGone(gone: () => void): void {
    this.body.once('close', () => {
      if (!this.#ended) gone();
    });
  }

  goOn(): void {
    if (!this.#waits || this.gone) return;
    this.#waits = false;
    this.body.additionalHeaders({ ':status': 100 });
  }

  answer(status: number, headers: string[], bodiless: boolean): void {
    if (this.gone) return;
    for (let at = 0; at < headers.length; at += 2) headers[at] = headers[at]!.toLowerCase();
    const options = bodiless
      ? { endStream: true, sendDate: false }
      : { waitForTrailers: true, sendDate: false };
    if (!bodiless) this.body.once('wantTrailers', () => this.#sendTrailers());
    this.body.respond([':status', String(status), ...headers], options);
  }

  write(bytes: Uint8Array): boolean {
    return this.body.write(bytes);
  }

  onDrain(drained: () => void): void {
    this.body.once('drain', drained);
  }

  end(trailers: readonly string[] = []): void {
    this.#ended = true;
    this.#trailers = trailers;
    this.body.end();
    this.#leaveUnread();
  }

  answerWith(status: number, headers: string[], body: Uint8Array): void {
    this.#ended = true;
    if (this.gone) return;
    for (let at = 0; at < headers.length; at += 2) headers[at] = headers[at]!.toLowerCase();
    this.body.respond([':status', String(status), ...headers]);
    this.body.end(body);
    this.#leaveUnread();
  }

  /** Node's `close` with a code ends the answer first, as if it were whole: clients must not take a part for all. */
  breakOff(): void {
    this.body.destroy(new Error('broken off'));
  }

  /** RFC 9113 section 8.1: the answer is whole, and no more of the request is wanted. */
  #leaveUnread(): void {
    if (!this.hasBody || this.body.readableEnded) return;
    this.body.once('finish', () => this.body.close(constants.NGHTTP2_NO_ERROR));
  }

  #sendTrailers(): void {
    const trailers: Record<string, string> = {};
    for (let at = 0; at < this.#trailers.length; at += 2)
      trailers[this.#trailers[at]!.toLowerCase()] = this.#trailers[at + 1]!;
    if (this.gone) return;
    try {
      this.body.sendTrailers(trailers);
    } catch {
      // Nobody above would hear of it: what no trailers of HTTP/2 can be breaks off this answer alone.
      this.breakOff();
    }
  }
}
