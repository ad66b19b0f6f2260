/** OpenSSH's PROTOCOL.chacha20poly1305: one key for the lengths, another for the rest and for the one-time Poly1305 key. */
import { createCipheriv, type KeyObject, timingSafeEqual } from 'node:crypto';
import { poly1305 } from '@noble/ciphers/_poly1305.js';
import { readUint32, writeUint32 } from '../wire.ts';
import { type CipherKind, type Opener, type Sealer, secretKey } from './cipher.ts';

const TAG_BYTES = 16;
const BLOCK_BYTES = 64;
const SHAPE = { block: 8, lengthCounts: false, tagBytes: TAG_BYTES } as const;

export const chacha: CipherKind = {
  ivBytes: 0,
  keyBytes: 64,
  sealer: ({ key }) => sealer(keyPair(key)),
  opener: ({ key }) => opener(keyPair(key)),
};

interface KeyPair {
  readonly content: KeyObject;
  readonly lengths: KeyObject;
  /** Scratch: the cipher's counter, little-endian, and the packet's sequence number, big-endian. */
  readonly nonce: Uint8Array;
}

function keyPair(key: Uint8Array): KeyPair {
  const content = secretKey(key.subarray(0, 32));
  return { content, lengths: secretKey(key.subarray(32)), nonce: new Uint8Array(16) };
}

function sealer(keys: KeyPair): Sealer {
  return {
    ...SHAPE,
    seal(packet, from, to, sequence) {
      packet.set(crypt(keys, 'lengths', 0, sequence, packet.subarray(from, from + 4)), from);
      const oneTime = oneTimeKey(keys, sequence);
      packet.set(crypt(keys, 'content', 1, sequence, packet.subarray(from + 4, to)), from + 4);
      packet.set(poly1305(packet.subarray(from, to), oneTime), to);
    },
  };
}

function opener(keys: KeyPair): Opener {
  return {
    ...SHAPE,
    headBytes: 4,
    length(packet, at, sequence) {
      return readUint32(crypt(keys, 'lengths', 0, sequence, packet.subarray(at, at + 4)), 0);
    },
    open(packet, at, length, sequence) {
      const end = at + 4 + length;
      const tag = poly1305(packet.subarray(at, end), oneTimeKey(keys, sequence));
      if (!timingSafeEqual(tag, packet.subarray(end, end + TAG_BYTES))) return undefined;
      return crypt(keys, 'content', 1, sequence, packet.subarray(at + 4, end));
    },
  };
}

function oneTimeKey(keys: KeyPair, sequence: number): Uint8Array {
  return crypt(keys, 'content', 0, sequence, new Uint8Array(BLOCK_BYTES)).subarray(0, 32);
}

function crypt(
  keys: KeyPair,
  which: 'content' | 'lengths',
  counter: 0 | 1,
  sequence: number,
  bytes: Uint8Array,
): Uint8Array {
  keys.nonce[0] = counter;
  writeUint32(keys.nonce, 12, sequence);
  return createCipheriv('chacha20', keys[which], keys.nonce).update(bytes);
}
