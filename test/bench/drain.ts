import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { MessageBoundary } from '#core/protocols/postgres/boundary.ts';
import { passwordMessage } from '#core/protocols/postgres/frontend.ts';
import { encodeSslRequest, encodeStartup } from '#core/protocols/postgres/startup.ts';
import { message } from '#core/protocols/postgres/wire.ts';
import type { Contender } from './contender.ts';

const QUERY = 0x51;
const AUTHENTICATION = 0x52;
const READY_FOR_QUERY = 0x5a;
const READ_BYTES = 256 << 10;

/** Runs one query and throws its answer away as fast as it comes: a client that costs next to nothing. */
export async function drainQuery(
  contender: Contender,
  database: string,
  query: string,
): Promise<{ bytes: number; seconds: number }> {
  const reader = new Reader();
  const socket = await login(contender, database, reader);
  const started = performance.now();
  const bytes = reader.untilReady();
  socket.write(message(QUERY, Buffer.from(`${query}\0`)));
  const received = await bytes;
  socket.destroy();
  return { bytes: received, seconds: (performance.now() - started) / 1000 };
}

/** Counts bytes up to the next ReadyForQuery. */
class Reader {
  readonly buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  #boundary = new MessageBoundary();
  #bytes = 0;
  #ready: (bytes: number) => void = () => undefined;
  onFirst: ((type: number) => void) | undefined;

  untilReady(): Promise<number> {
    this.#bytes = 0;
    return new Promise((resolve) => (this.#ready = resolve));
  }

  take(length: number): void {
    this.#bytes += length;
    this.#boundary.advance(this.buffer, length);
    this.onFirst?.(this.buffer[0]!);
    this.onFirst = undefined;
    if (this.#boundary.lastType === READY_FOR_QUERY && this.#boundary.atBoundary) this.#ready(this.#bytes);
  }
}

async function login(contender: Contender, database: string, reader: Reader): Promise<Socket> {
  const onread = {
    buffer: reader.buffer,
    callback: (length: number): boolean => {
      reader.take(length);
      return true;
    },
  };
  const socket =
    contender.sslmode === 'disable' ? plain(contender.port, onread) : await encrypted(contender.port, onread);
  const ready = reader.untilReady();
  const parameters = [
    ['user', 'bench'],
    ['database', database],
  ] as const;
  reader.onFirst = (type) => {
    if (type === AUTHENTICATION && contender.name.startsWith('custody'))
      socket.write(passwordMessage(contender.password));
  };
  socket.write(encodeStartup({ minor: 0, parameters }));
  await ready;
  return socket;
}

type OnRead = { buffer: Buffer; callback: (length: number) => boolean };

function plain(port: number, onread: OnRead): Socket {
  return connect({ port, host: '127.0.0.1', noDelay: true, onread });
}

async function encrypted(port: number, onread: OnRead): Promise<Socket> {
  const raw = connect({ port, host: '127.0.0.1', noDelay: true });
  raw.write(encodeSslRequest());
  await once(raw, 'readable');
  raw.read();
  const secure = connectTls({ socket: raw, rejectUnauthorized: false });
  await once(secure, 'secureConnect');
  secure.on('data', (chunk: Buffer) => {
    chunk.copy(onread.buffer);
    onread.callback(chunk.byteLength);
  });
  return secure;
}
