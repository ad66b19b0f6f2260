import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { type BackendMessage, parseBackend } from '#core/protocols/postgres/backend.ts';
import { MessageReader } from '#core/protocols/postgres/messages.ts';
import { encodeSslRequest } from '#core/protocols/postgres/startup.ts';
import { eventually } from './clients.ts';

/** The messages whose kind may be K. */
type Of<K, M = BackendMessage> = M extends { readonly kind: infer X } ? (K extends X ? M : never) : never;

/** A hand-written PostgreSQL client: sends any bytes, and keeps what comes back. */
export class RawClient {
  readonly socket: Socket | TLSSocket;
  readonly messages: BackendMessage[] = [];
  readonly #reader = new MessageReader(1 << 20);
  received = Buffer.alloc(0);
  closed = false;

  constructor(socket: Socket | TLSSocket, framed: boolean) {
    this.socket = socket;
    socket.on('error', () => undefined);
    socket.on('close', () => (this.closed = true));
    socket.on('data', (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
      if (!framed) return;
      this.#reader.push(chunk);
      for (const message of this.#reader) {
        if ('body' in message) this.messages.push(parseBackend(message.type, message.body.slice()));
      }
    });
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** The first message of a kind, once it is there. */
  find<K extends BackendMessage['kind']>(kind: K): Promise<Of<K>> {
    const is = (message: BackendMessage): message is Of<K> => message.kind === kind;
    return eventually(`a ${kind}`, () => this.messages.find(is));
  }

  async end(): Promise<void> {
    await eventually('the end of the connection', () => (this.closed ? true : undefined));
  }
}

/** A connection without TLS. */
export function rawPlain(port: number): RawClient {
  return new RawClient(connect({ port, host: '127.0.0.1' }), true);
}

/** TLS by SSLRequest, or directly with the given ALPN protocols. */
export async function rawTls(
  port: number,
  ca: Buffer,
  alpn?: readonly string[],
  options: ConnectionOptions = {},
): Promise<RawClient> {
  const plain = connect({ port, host: '127.0.0.1' });
  plain.on('error', () => undefined);
  if (alpn === undefined) {
    plain.write(encodeSslRequest());
    await new Promise((done) => plain.once('readable', done));
    if (String(plain.read()) !== 'S') throw new Error('no TLS');
  }
  const protocols = alpn === undefined || alpn.length === 0 ? {} : { ALPNProtocols: [...alpn] };
  const secure = connectTls({ socket: plain, ca, servername: 'localhost', ...protocols, ...options });
  const client = new RawClient(secure, true);
  await eventually('TLS', () => (secure.authorized || client.closed ? true : undefined));
  return client;
}
