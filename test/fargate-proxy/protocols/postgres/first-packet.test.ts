import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, createSecureContext, type TLSSocket } from 'node:tls';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { asCustodyError } from '#core/errors.ts';
import { localCertificates } from '#local/setup/certificates.ts';
import { CancelKeys } from '#proxy/protocols/postgres/cancel.ts';
import { postgresProtocol } from '#proxy/protocols/postgres/postgres.ts';
import { streamBindings } from '#proxy/wire/raw-end.ts';
import { RelayMemory } from '#proxy/wire/relay-memory.ts';
import { eventually } from '#test/support/clients.ts';
import {
  type DebianPostgres,
  hasDebianPostgres,
  startDebianPostgres,
} from '#test/support/debian-postgres.ts';
import { noHurry } from '#test/support/greeting-time.ts';
import { freePortBase } from '#test/support/local-gateway.ts';

const SSL_REQUEST = packet(80877103);
const GSS_REQUEST = packet(80877104);
const V3 = 3 << 16;

function packet(code: number, body = ''): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(8), Buffer.from(body, 'latin1')]);
  bytes.writeInt32BE(bytes.length, 0);
  bytes.writeInt32BE(code, 4);
  return bytes;
}

function claiming(length: number, ...more: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(length);
  return Buffer.concat([bytes, Buffer.from(more)]);
}

/** First packets that no login follows, each as the real server answers it. */
const PACKETS: Readonly<Record<string, Buffer>> = {
  nothing: Buffer.alloc(0),
  'one zero': Buffer.alloc(1),
  'eight zeros': Buffer.alloc(8),
  'length 1': claiming(1, 0),
  'length 4': claiming(4),
  'length 7': claiming(7, 0, 3, 0),
  'length 10,005': claiming(10_005, 0, 3, 0, 0),
  'length 2^31 - 1': claiming(0x7fffffff, 0, 3, 0, 0),
  'length -1': claiming(-1, 0, 3, 0, 0),
  Terminate: Buffer.from('X\0\0\0\x04'),
  'Terminate, then a startup': Buffer.concat([Buffer.from('X\0\0\0\x04'), packet(V3, 'user\0app\0\0')]),
  'a Query': Buffer.from('Q\0\0\0\x0dselect 1\0'),
  'a password': Buffer.from('p\0\0\0\x08abc\0'),
  HTTP: Buffer.from('GET / HTTP/1.1\r\nHost: db.example\r\n\r\n'),
  'HTTP/2': Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  SSH: Buffer.from('SSH-2.0-OpenSSH_9.2p1\r\n'),
  PROXY: Buffer.from('PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n'),
  'half of a startup': packet(V3, 'user\0dana\0\0').subarray(0, 12),
  'protocol 0.0': packet(0, 'user\0dana\0\0'),
  'protocol 1.0': packet(1 << 16, 'user\0dana\0\0'),
  'protocol 2.0': packet(2 << 16, 'user\0dana\0\0'),
  'protocol 4.0': packet(4 << 16, 'user\0dana\0\0'),
  'a request of tomorrow': packet(80877105),
  'no user': packet(V3, 'database\0x\0\0'),
  'an empty user': packet(V3, 'user\0\0\0'),
  'another case of user': packet(V3, 'USER\0app\0\0'),
  'no terminator': packet(V3, 'user\0dana\0'),
  'bytes behind the terminator': packet(V3, 'user\0dana\0\0x'),
  'no value': packet(V3, 'user\0dana\0database'),
  'no parameters': packet(V3, ''),
  'a cancel of 3 bytes': packet(80877102, '\0\0\0\x07abc'),
  'a cancel of nothing': packet(80877102, ''),
  'a cancel of a stranger': packet(80877102, '\0\0\0\x07abcd'),
};

/** What comes back, as a client would read it: the letters of messages, and the SQLSTATE of an error. */
function readable(bytes: Buffer): string {
  const text = bytes.toString('latin1');
  if (/^EFATAL: {2}[^\n]*\n\0$/.test(text)) return 'an error as text';
  const code = /^E....SFATAL\0VFATAL\0C(.{5})\0M([^\0]*)/s.exec(text);
  return code === null ? text : `${code[1]} ${code[2]!.replace(/3\.0 to 3\.[02]/, '3.x')}`;
}

/** Sends, says goodbye and reads to the end. */
function exchange(socket: Socket, bytes: Buffer): Promise<string> {
  return new Promise((done) => {
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => done(readable(Buffer.concat(chunks))));
    socket.end(bytes);
  });
}

async function overTls(port: number, ca: Buffer, direct = false): Promise<TLSSocket> {
  const plain = connect({ port, host: '127.0.0.1' });
  if (!direct) {
    plain.write(SSL_REQUEST);
    await new Promise((ready) => plain.once('readable', ready));
    if (String(plain.read(1)) !== 'S') throw new Error('no TLS');
  }
  const alpn = direct ? { ALPNProtocols: ['postgresql'] } : {};
  const secure = connectTls({ socket: plain, ca, servername: 'localhost', ...alpn });
  await new Promise((ready, failed) => secure.once('secureConnect', ready).once('error', failed));
  return secure;
}

const folder = mkdtempSync(join(tmpdir(), 'custody-first-'));
const WITH_SERVER = hasDebianPostgres();
let server: DebianPostgres;
let gateway: Server;
let port: number;
let ca: Buffer;
/** What became of each connection. */
let outcomes: string[];

beforeAll(async () => {
  const files = await localCertificates(folder, new Date());
  ca = readFileSync(files.ca);
  const [cert, key] = [readFileSync(files.gateway.cert), readFileSync(files.gateway.key)];
  const protocol = postgresProtocol({
    tls: () => createSecureContext({ cert, key }),
    issuer: () => 'https://id.example',
    memory: new RelayMemory(),
    bindings: streamBindings(),
    keys: new CancelKeys(),
  });
  gateway = createServer((socket) => {
    protocol.greet(socket, noHurry()).then(
      (greeting) => outcomes.push(greeting === undefined ? 'quiet' : 'greeted'),
      (error: unknown) => outcomes.push(asCustodyError(error).code),
    );
  });
  await new Promise<void>((ready) => gateway.listen(0, '127.0.0.1', ready));
  port = (gateway.address() as AddressInfo).port;
  if (WITH_SERVER)
    server = await startDebianPostgres((await freePortBase()) + 1, 'scram-sha-256', { tls: files.gateway });
});
afterAll(async () => {
  gateway?.close();
  await server?.stop();
  rmSync(folder, { recursive: true });
});
beforeEach(() => (outcomes = []));

const outcome = (): Promise<string> => eventually('an outcome', () => outcomes[0]);

describe.skipIf(!WITH_SERVER)(
  'a first packet that begins no login is answered as the real server answers it',
  () => {
    it.each(Object.keys(PACKETS))('%s', async (name) => {
      const bytes = PACKETS[name]!;
      const expected = await exchange(connect({ port: server.port, host: '127.0.0.1' }), bytes);
      expect(await exchange(connect({ port, host: '127.0.0.1' }), bytes)).toBe(expected);
      await outcome();
    });

    it.each(Object.keys(PACKETS))('%s, over TLS', async (name) => {
      const bytes = PACKETS[name]!;
      const expected = await exchange(await overTls(server.port, ca), bytes);
      expect(await exchange(await overTls(port, ca), bytes)).toBe(expected);
      expect(await exchange(await overTls(port, ca, true), bytes)).toBe(expected);
    });

    it('an SSLRequest with more behind it: TLS first, and there it is told (security case 17)', async () => {
      const stuffed = Buffer.concat([SSL_REQUEST, packet(V3, 'user\0app\0\0')]);
      for (const at of [server.port, port]) {
        const plain = connect({ port: at, host: '127.0.0.1' });
        plain.write(stuffed);
        await new Promise((ready) => plain.once('readable', ready));
        expect(String(plain.read())).toBe('S');
        const secure = connectTls({ socket: plain, ca, servername: 'localhost' });
        expect(await exchange(secure, Buffer.alloc(0)), String(at)).toMatch(/^08P01 /);
      }
      expect(outcomes).toEqual(['protocol-violation']);
    });
  },
);

describe('who comes by and leaves is no error', () => {
  it.each([
    ['a probe of the port', ''],
    ['one that asks for TLS and goes', SSL_REQUEST.toString('latin1')],
    ['one that asks for GSSAPI and goes', GSS_REQUEST.toString('latin1')],
  ])('%s', async (_what, bytes) => {
    await exchange(connect({ port, host: '127.0.0.1' }), Buffer.from(bytes, 'latin1'));
    expect(await outcome()).toBe('quiet');
  });

  it('psql that has to ask for a password first, and pg_isready', async () => {
    const secure = await overTls(port, ca);
    secure.write(packet(V3, 'user\0dana\0\0'));
    const asked = await new Promise<Buffer>((got) => secure.once('data', got));
    expect(asked[0]).toBe('R'.charCodeAt(0));
    secure.destroy();
    expect(await outcome()).toBe('quiet');
  });

  it('but garbage is one, which nobody is told', async () => {
    expect(await exchange(connect({ port, host: '127.0.0.1' }), Buffer.from('GET / HTTP/1.1\r\n\r\n'))).toBe(
      '',
    );
    expect(await outcome()).toBe('protocol-violation');
  });

  it('and a second GSSENCRequest is, which is told', async () => {
    const twice = Buffer.concat([GSS_REQUEST]);
    const socket = connect({ port, host: '127.0.0.1' });
    socket.write(twice);
    await new Promise((ready) => socket.once('readable', ready));
    expect(String(socket.read())).toBe('N');
    expect(await exchange(socket, GSS_REQUEST)).toMatch(/^08P01 /);
  });

  it('a client that does not speak the TLS of PostgreSQL is told nothing either', async () => {
    const secure = connectTls({ port, host: '127.0.0.1', ca, servername: 'localhost' });
    expect(await exchange(secure, packet(V3, 'user\0dana\0\0'))).toBe('');
    expect(await outcome()).toBe('protocol-violation');
  });
});

describe.skipIf(!WITH_SERVER)('node-postgres', () => {
  it('that is ended while it connects sees what it sees with the real server', async () => {
    const seen: string[][] = [];
    for (const at of [server.port, port]) {
      const ssl = { ca: ca.toString(), servername: 'localhost' };
      const client = new pg.Client({ host: '127.0.0.1', port: at, user: 'app', password: 'x', ssl });
      const events: string[] = [];
      client.on('error', (error) => events.push(error.message)).on('end', () => events.push('end'));
      client.connect((error: Error) => events.push(error?.message ?? 'connected'));
      await client.end();
      seen.push(events);
    }
    expect(seen[1]).toEqual(seen[0]);
  });
});
