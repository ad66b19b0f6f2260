/** Requests by HTTP/1.1: node's own server reads and writes them. */
import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { CustodyError } from '#core/errors.ts';
import type { Asking } from './asking.ts';
import type { ClientConnection } from './client-connection.ts';
import { ownAnswer } from './own-answer.ts';
import { pairsOf } from './pairs.ts';

/** Tokens with many groups are long. */
export const HEAD_MAX = 64 << 10;
export const HEADERS_MAX = 256;
/** Longer than Go's clients keep one: who closes first is not caught in the act by a request. */
const KEEP_ALIVE_MS = 120_000;
/** What SPDY and WebSocket clients ask for; RFC 9110 section 7.8 has others passed over. */
const UPGRADES = /^(?:websocket|spdy\/3\.1)$/i;
/** Of a body that nobody wants, as much is read for the sake of the connection. */
const UNWANTED_MAX = 64 << 10;

/** What it asks for does not matter. */
const UNKNOWN = { method: '', target: '', headers: [] };

export class Http1 {
  readonly #take: (asking: Asking) => void;
  readonly #server: Server;
  readonly #connections = new WeakMap<Socket, Http1Connection>();

  constructor(take: (asking: Asking) => void) {
    this.#take = take;
    this.#server = createServer({
      maxHeaderSize: HEAD_MAX,
      keepAliveTimeout: KEEP_ALIVE_MS,
      insecureHTTPParser: false,
      requireHostHeader: true,
      joinDuplicateHeaders: false,
      shouldUpgradeCallback: ({ headers }) => UPGRADES.test(headers.upgrade ?? ''),
    });
    this.#server.maxHeadersCount = HEADERS_MAX;
    this.#server.timeout = 0;
    this.#server.on('request', (request, response) => this.#asked(request, response, false));
    this.#server.on('checkContinue', (request, response) => this.#asked(request, response, true));
    this.#server.on('checkExpectation', (_, response) => refuse(response, unknownExpectation()));
    this.#server.on('upgrade', (request, socket, head) => this.#upgrades(request, socket as Socket, head));
    this.#server.on('clientError', (error, socket) => unreadable(error, socket as Socket));
  }

  /** Serves what comes by the connection until it closes. */
  serve(connection: ClientConnection): Http1Connection {
    const served = new Http1Connection(connection);
    this.#connections.set(connection.secure, served);
    this.#server.emit('connection', connection.secure);
    return served;
  }

  #asked(request: IncomingMessage, response: ServerResponse, waits: boolean): void {
    const served = this.#connections.get(request.socket)!;
    request.on('error', () => undefined);
    if (served.busy) return refuse(response, pipelined());
    if (request.httpVersion !== '1.1') return refuse(response, oldVersion());
    served.enter(response);
    this.#take(new Http1Asking(served, request, response, waits));
  }

  /** Whether it is granted is not known yet: until then it may be answered as any request. */
  #upgrades(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const served = this.#connections.get(socket)!;
    if (served.busy) return void socket.destroy();
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.once('finish', () => socket.destroySoon());
    served.enter(response);
    const upgrade = { head, switched: () => leaveTo(response, socket) };
    this.#take(new Http1Asking(served, request, response, false, upgrade));
  }
}

/** One call at a time: nobody who uses the API sends a request before the one before it is answered. */
export class Http1Connection {
  readonly connection: ClientConnection;
  #response: ServerResponse | undefined;
  #draining = false;

  constructor(connection: ClientConnection) {
    this.connection = connection;
  }

  get busy(): boolean {
    return this.#response !== undefined;
  }

  enter(response: ServerResponse): void {
    this.#response = response;
    if (this.#draining) response.shouldKeepAlive = false;
    response.once('close', () => this.#left(response));
  }

  /** The call in progress is the last one. */
  drain(): void {
    this.#draining = true;
    if (this.#response === undefined) this.connection.secure.end();
    else this.#response.shouldKeepAlive = false;
  }

  #left(response: ServerResponse): void {
    if (this.#response === response) this.#response = undefined;
  }
}

class Http1Asking implements Asking {
  readonly http = '1.1';
  readonly connection: ClientConnection;
  readonly method: string;
  readonly target: string;
  readonly headers: readonly string[];
  readonly hasBody: boolean;
  readonly body: IncomingMessage;
  readonly upgrade?: NonNullable<Asking['upgrade']>;
  readonly #response: ServerResponse;
  /** The whole answer was given. */
  #ended = false;
  #waits: boolean;

  constructor(
    { connection }: Http1Connection,
    request: IncomingMessage,
    response: ServerResponse,
    waits: boolean,
    upgrade?: NonNullable<Asking['upgrade']>,
  ) {
    this.connection = connection;
    this.method = request.method!;
    this.target = request.url!;
    this.headers = request.rawHeaders;
    const { 'content-length': length, 'transfer-encoding': coding } = request.headers;
    this.hasBody =
      upgrade === undefined && (coding !== undefined || (length !== undefined && !/^0+$/.test(length)));
    this.body = request;
    this.#response = response;
    this.#waits = waits;
    if (upgrade !== undefined) this.upgrade = upgrade;
  }

  get trailers(): readonly string[] {
    return this.body.rawTrailers;
  }

  get gone(): boolean {
    return this.#response.destroyed;
  }

  onGone(gone: () => void): void {
    this.#response.once('close', () => {
      if (!this.#ended) gone();
    });
  }

  goOn(): void {
    if (!this.#waits) return;
    this.#waits = false;
    this.#response.writeContinue();
  }

  answer(status: number, headers: string[], _bodiless: boolean): void {
    const response = this.#response;
    response.sendDate = false;
    this.#closeWhereUnread(response);
    response.writeHead(status, headers);
  }

  write(bytes: Uint8Array): boolean {
    return this.#response.write(bytes);
  }

  onDrain(drained: () => void): void {
    this.#response.once('drain', drained);
  }

  end(trailers: readonly string[] = []): void {
    this.#ended = true;
    if (trailers.length > 0) this.#response.addTrailers(pairsOf(trailers));
    this.#response.end();
  }

  answerWith(status: number, headers: string[], body: Uint8Array): void {
    this.#ended = true;
    this.#closeWhereUnread(this.#response);
    this.#response.writeHead(status, headers);
    this.#response.end(body);
  }

  breakOff(): void {
    this.#response.destroy();
  }

  /** A long body that nobody reads would stand before the next request. */
  #closeWhereUnread(response: ServerResponse): void {
    const { complete, headers } = this.body;
    const isShort = Number(headers['content-length'] ?? Number.NaN) <= UNWANTED_MAX;
    if (this.hasBody && !complete && (!isShort || this.#waits)) response.shouldKeepAlive = false;
  }
}

/** What follows is none of HTTP's. */
function leaveTo(response: ServerResponse, socket: Socket): Socket {
  response.detachSocket(socket);
  return socket;
}

function refuse(response: ServerResponse, error: CustodyError): void {
  const { code, headers, body } = ownAnswer(error, UNKNOWN);
  response.shouldKeepAlive = false;
  response.writeHead(code, headers);
  response.end(body);
}

/** What node's parser does not take: nothing behind it on this connection can be read. */
function unreadable(cause: Error & { readonly code?: string }, socket: Socket): void {
  if (!socket.writable || cause.code === 'ECONNRESET') return void socket.destroy();
  const isLong = cause.code === 'HPE_HEADER_OVERFLOW';
  const error = new CustodyError(
    'protocol-violation',
    isLong ? 'the request has too many headers' : 'this is no request of HTTP/1.1',
  );
  const { body } = ownAnswer(error, UNKNOWN);
  const code = isLong ? '431 Request Header Fields Too Large' : '400 Bad Request';
  const head = `HTTP/1.1 ${code}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`;
  socket.end(Buffer.concat([Buffer.from(`${head}\r\n\r\n`), body]));
  setTimeout(() => socket.destroy(), 1_000).unref();
}

function pipelined(): CustodyError {
  return new CustodyError('protocol-violation', 'a request came before the one before it was answered', {
    hint: 'use another connection, or HTTP/2',
  });
}

function oldVersion(): CustodyError {
  return new CustodyError('unsupported', 'this gateway speaks HTTP/1.1 and HTTP/2');
}

function unknownExpectation(): CustodyError {
  return new CustodyError('unsupported', 'the request expects what is not known here');
}
