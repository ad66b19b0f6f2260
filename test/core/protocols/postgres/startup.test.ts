import * as fc from 'fast-check';
import { serialize } from 'pg-protocol';
import { describe, expect, test } from 'vitest';
import {
  encodeCancelRequest,
  encodeSslRequest,
  encodeStartup,
  readStartup,
  STARTUP_MAX_BYTES,
  type StartupMessage,
} from '#core/protocols/postgres/startup.ts';
import { refusalOf } from './support.ts';

const start = encodeStartup({
  minor: 2,
  parameters: [
    ['user', 'dana'],
    ['database', 'orders-db'],
    ['_pq_.compression', 'zstd'],
  ],
});

/** A startup packet around a body written as text. */
function packet(code: number, body: string | Buffer): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(8), typeof body === 'string' ? Buffer.from(body) : body]);
  bytes.writeInt32BE(bytes.length, 0);
  bytes.writeInt32BE(code, 4);
  return bytes;
}

const V3 = 3 << 16;

describe('readStartup', () => {
  test('reads user, parameters, options and version', () => {
    expect(readStartup(start)).toEqual({
      kind: 'startup',
      major: 3,
      minor: 2,
      parameters: new Map([
        ['user', 'dana'],
        ['database', 'orders-db'],
      ]),
      given: [
        { name: 'user', value: Uint8Array.from(Buffer.from('dana')) },
        { name: 'database', value: Uint8Array.from(Buffer.from('orders-db')) },
      ],
      protocolOptions: ['_pq_.compression'],
      byteLength: start.length,
    });
  });

  test.each([
    ['a user twice', 'user\0nobody\0user\0dana\0\0', { user: 'dana' }],
    [
      'an application twice',
      'application_name\0a\0user\0dana\0application_name\0b\0\0',
      { application_name: 'b' },
    ],
    [
      'bytes that are not UTF-8',
      'user\0d\xff\0application_name\0Z\xfcrich\0\0',
      { user: 'd\ufffd', application_name: 'Z\ufffdrich' },
    ],
    ['a name that is not UTF-8', 'user\0dana\0app.\xe9\0x\0\0', { 'app.\ufffd': 'x' }],
    ['an empty database', 'user\0dana\0database\0\0\0', { database: '' }],
  ])('takes %s, as the server does, and keeps what was sent', (_, body, text) => {
    const sent = packet(V3, Buffer.from(body, 'latin1'));
    const read = readStartup(sent) as StartupMessage;
    expect(Object.fromEntries(read.parameters)).toMatchObject(text);
    const again = encodeStartup({ minor: 0, parameters: read.given.map(({ name, value }) => [name, value]) });
    expect(Buffer.from(again)).toEqual(sent);
  });

  test('whatever is sent in a startup message is what is sent on', () => {
    const bytes = fc.uint8Array({ maxLength: 12 }).map((some) => some.filter((byte) => byte !== 0));
    const named = bytes.filter((some) => some.length > 0).map((some) => Buffer.from(some).toString('latin1'));
    const parameter = fc.tuple(
      named.filter((name) => !name.startsWith('_pq_.')),
      bytes,
    );
    fc.assert(
      fc.property(fc.array(parameter, { maxLength: 8 }), (parameters) => {
        const start = encodeStartup({
          minor: 0,
          parameters: [['user', 'dana'], ...parameters, ['user', 'x']],
        });
        const { given } = readStartup(start) as StartupMessage;
        expect(
          encodeStartup({ minor: 0, parameters: given.map(({ name, value }) => [name, value]) }),
        ).toEqual(start);
      }),
    );
  });

  test('reads what pg-protocol writes', () => {
    expect(readStartup(serialize.startup({ user: 'dana', database: 'orders' }))).toMatchObject({
      minor: 0,
      parameters: new Map([
        ['user', 'dana'],
        ['database', 'orders'],
        ['client_encoding', 'UTF8'],
      ]),
    });
    expect(readStartup(serialize.requestSsl())).toEqual({ kind: 'ssl-request', byteLength: 8 });
    const secret = Uint8Array.of(0, 0, 0, 9);
    expect(readStartup(serialize.cancel(7, 9))).toEqual({
      kind: 'cancel',
      processId: 7,
      secret,
      byteLength: 16,
    });
    expect(Buffer.from(serialize.cancel(7, 9))).toEqual(Buffer.from(encodeCancelRequest(7, secret)));
    expect(Buffer.from(serialize.requestSsl())).toEqual(Buffer.from(encodeSslRequest()));
  });

  test('asks for more until the packet is whole, and says where it ends', () => {
    for (let length = 0; length < start.length; length++) {
      expect(readStartup(start.subarray(0, length))).toBeUndefined();
    }
    const stuffed = Buffer.concat([encodeSslRequest(), Buffer.from('Q')]);
    expect(readStartup(stuffed)).toMatchObject({ kind: 'ssl-request', byteLength: 8 });
  });

  test('reads a cancel key of 4 to 256 bytes and no other', () => {
    for (const length of [4, 32, 256]) {
      const secret = new Uint8Array(length).fill(7);
      expect(readStartup(encodeCancelRequest(1, secret))).toMatchObject({ processId: 1, secret });
    }
    for (const length of [0, 3, 257]) {
      expect(() => readStartup(encodeCancelRequest(1, new Uint8Array(length)))).toThrow('invalid length');
    }
  });

  // Security case 16: the length is judged before anything is kept for it.
  test.each([
    ['a huge length', Buffer.from([0x7f, 0xff, 0xff, 0xff])],
    ['one byte more than the server takes', Buffer.from([0, 0, 0x27, 0x15])],
    ['a negative length', Buffer.from([0xff, 0xff, 0xff, 0xff])],
    ['a length without room for a version', Buffer.from([0, 0, 0, 7])],
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\n')],
    ['no terminator', packet(V3, 'user\0dana\0')],
    ['a name without its value', packet(V3, 'user\0dana\0database')],
    ['bytes after the terminator', packet(V3, 'user\0dana\0\0x')],
    ['an SSLRequest with a body', packet(80877103, 'x')],
    ['an empty startup message', packet(V3, '')],
  ])('refuses %s', (_, bytes) => {
    expect(() => readStartup(bytes)).toThrow(expect.objectContaining({ code: 'protocol-violation' }));
  });

  test.each([
    ['no user', 'database\0x\0\0'],
    ['an empty user', 'user\0\0\0'],
    ['a user in other letters', 'User\0dana\0\0'],
    ['an empty user after a good one', 'user\0dana\0user\0\0\0'],
    ['no parameters at all', '\0'],
  ])('refuses %s', (_, body) => {
    expect(() => readStartup(packet(V3, body))).toThrow(expect.objectContaining({ code: 'user-missing' }));
  });

  test('refuses another major version as unsupported', () => {
    expect(() => readStartup(packet(2 << 16, 'user\0dana\0\0'))).toThrow(
      expect.objectContaining({ code: 'unsupported', message: expect.stringContaining('protocol 2.0') }),
    );
  });

  test('takes a packet as long as the server takes', () => {
    const padding = 'x'.repeat(STARTUP_MAX_BYTES - 4 - 'user\0dana\0name\0\0\0'.length);
    const longest = packet(V3, `user\0dana\0name\0${padding}\0\0`);
    expect(longest.length).toBe(STARTUP_MAX_BYTES + 4);
    expect(readStartup(longest)).toMatchObject({ kind: 'startup' });
  });

  test('a NUL in an encoded value cannot begin a parameter of its own', () => {
    const hostile = encodeStartup({ minor: 0, parameters: [['user', 'dana\0database\0postgres']] });
    expect(readStartup(hostile)).toMatchObject({ parameters: new Map([['user', 'danadatabasepostgres']]) });
  });

  test('every damaged byte gives a packet, a wait or a refusal', () => {
    for (let at = 0; at < start.length; at++) {
      for (const value of [0, 1, 0x7f, 0x80, 0xff]) {
        const damaged = Uint8Array.from(start);
        damaged[at] = value;
        expect(refusalOf(() => readStartup(damaged))).toMatch(
          /^(none|protocol-violation|user-missing|unsupported)$/,
        );
      }
    }
  });
});
