import { describe, expect, it } from 'vitest';
import { cipherKind, macKind } from '#core/protocols/ssh/transport/ciphers.ts';
import { deriveKeys } from '#core/protocols/ssh/transport/derive.ts';
import { exchangeMethod } from '#core/protocols/ssh/transport/exchange-methods.ts';
import { PacketReader } from '#core/protocols/ssh/transport/packets-in.ts';
import { PacketWriter } from '#core/protocols/ssh/transport/packets-out.ts';

const PAIRS = [
  ['aes256-gcm@openssh.com', ''],
  ['aes128-gcm@openssh.com', ''],
  ['chacha20-poly1305@openssh.com', ''],
  ...['aes256-ctr', 'aes192-ctr', 'aes128-ctr'].flatMap((cipher) =>
    ['hmac-sha2-256', 'hmac-sha2-512', 'hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com'].map(
      (mac) => [cipher, mac] as const,
    ),
  ),
] as const;

const PAYLOADS = [1, 5, 36, 1000, 32_768].map((length) => Buffer.alloc(length, length));
const SECRET = {
  hashName: 'sha256',
  secret: Buffer.alloc(36, 1),
  hash: Buffer.alloc(32, 2),
  sessionId: Buffer.alloc(32, 3),
} as const;

/** What `PAYLOADS` look like sealed, and a reader with the keys for it. */
function sealed(cipher: string, mac: string): { bytes: Buffer; reader: PacketReader } {
  const keys = deriveKeys(SECRET, 'toServer', cipher, mac);
  const out: Buffer[] = [];
  const writer = new PacketWriter(
    (bytes) => out.push(Buffer.from(bytes)),
    (length) => Buffer.alloc(length),
  );
  writer.useKeys(cipherKind(cipher)!.sealer(keys, macKind(mac)), true);
  for (const payload of PAYLOADS) writer.send(payload);
  const reader = new PacketReader();
  reader.useKeys(cipherKind(cipher)!.opener(keys, macKind(mac)), true);
  return { bytes: Buffer.concat(out), reader };
}

function read(reader: PacketReader, bytes: Buffer, piece: number): Buffer[] {
  const payloads: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += piece)
    reader.take(bytes.subarray(at, at + piece), (payload) => payloads.push(Buffer.from(payload)) > 0);
  return payloads;
}

describe.each(PAIRS)('%s %s', (cipher, mac) => {
  it.each([1, 3, 17, 4096, 100_000])('opens what it sealed, in pieces of %d', (piece) => {
    const { bytes, reader } = sealed(cipher, mac);
    expect(read(reader, bytes, piece)).toEqual(PAYLOADS);
  });

  it('notices every changed byte of a packet', () => {
    const { bytes } = sealed(cipher, mac);
    const first = bytes.subarray(0, 56);
    for (let at = 0; at < 24; at += 1) {
      const changed = Buffer.concat([first, bytes.subarray(56)]);
      changed[at]! ^= 0x04;
      expect(() => read(sealed(cipher, mac).reader, changed, 4096)).toThrow(/authentic|impossible length/);
    }
  });
});

describe.each([
  'mlkem768x25519-sha256',
  'curve25519-sha256',
  'ecdh-sha2-nistp256',
  'ecdh-sha2-nistp384',
  'diffie-hellman-group14-sha256',
])('%s', (name) => {
  const method = exchangeMethod(name)!;
  const random = (length: number): Buffer => Buffer.alloc(length, 7);

  it('gives both sides the same secret', () => {
    const client = method.client(random);
    const server = method.server(client.value, random);
    expect(Buffer.from(client.secret(server.value)).equals(server.secret)).toBe(true);
  });

  it.each([0, 1, 32, 33, 65, 97, 256, 1120, 1216])('refuses %d bytes that are no key', (length) => {
    for (const byte of [0, 255]) {
      const nothing = new Uint8Array(length).fill(byte);
      // 32 bytes of anything but small order are a key of X25519; less than the prime is one of group 14.
      if (name === 'curve25519-sha256' && length === 32 && byte === 255) continue;
      if (name.startsWith('diffie') && byte === 255 && length < 256 && length > 0) continue;
      expect(() => method.server(nothing, random)).toThrow('key of the exchange');
      // Any bytes are a ciphertext of ML-KEM (FIPS 203 rejects implicitly): the two sides only come to other keys.
      if (name.startsWith('mlkem') && byte === 255 && length === 1120) continue;
      expect(() => method.client(random).secret(nothing)).toThrow('key of the exchange');
    }
  });
});
