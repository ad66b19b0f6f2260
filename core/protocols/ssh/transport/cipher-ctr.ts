/** AES-CTR with an HMAC: RFC 4344, RFC 6668, and OpenSSH's MACs over the ciphertext. */
import { createCipheriv, createDecipheriv, createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';
import { readUint32 } from '../wire.ts';
import { type CipherKind, type MacKind, type Opener, type Sealer, secretKey } from './cipher.ts';
import { uint32 } from './wire.ts';

const BLOCK = 16;

export function ctr(algorithm: string, keyBytes: number): CipherKind {
  return {
    ivBytes: BLOCK,
    keyBytes,
    sealer: ({ key, iv, mac }, kind) => sealer(createCipheriv(algorithm, key, iv), macOf(kind, mac)),
    opener: ({ key, iv, mac }, kind) => {
      const cipher = createDecipheriv(algorithm, key, iv);
      const check = macOf(kind, mac);
      return check.overCiphertext ? openerOverCiphertext(cipher, check) : openerOverPlain(cipher, check);
    },
  };
}

interface Stream {
  update(bytes: Uint8Array): Uint8Array;
}

interface Mac {
  readonly bytes: number;
  readonly overCiphertext: boolean;
  of(sequence: number, bytes: Uint8Array): Uint8Array;
}

function macOf(kind: MacKind | undefined, bytes: Uint8Array): Mac {
  if (kind === undefined) throw new TypeError('this cipher needs a MAC');
  const key: KeyObject = secretKey(bytes);
  return {
    ...kind,
    of: (sequence, packet) => createHmac(kind.hash, key).update(uint32(sequence)).update(packet).digest(),
  };
}

function sealer(cipher: Stream, mac: Mac): Sealer {
  const clear = mac.overCiphertext ? 4 : 0;
  return {
    block: BLOCK,
    lengthCounts: !mac.overCiphertext,
    tagBytes: mac.bytes,
    seal(packet, from, to, sequence) {
      const before = mac.overCiphertext ? undefined : mac.of(sequence, packet.subarray(from, to));
      packet.set(cipher.update(packet.subarray(from + clear, to)), from + clear);
      packet.set(before ?? mac.of(sequence, packet.subarray(from, to)), to);
    },
  };
}

function openerOverCiphertext(cipher: Stream, mac: Mac): Opener {
  return {
    block: BLOCK,
    lengthCounts: false,
    tagBytes: mac.bytes,
    headBytes: 4,
    length: readUint32,
    open(packet, at, length, sequence) {
      const end = at + 4 + length;
      if (!timingSafeEqual(mac.of(sequence, packet.subarray(at, end)), packet.subarray(end, end + mac.bytes)))
        return undefined;
      return cipher.update(packet.subarray(at + 4, end));
    },
  };
}

/** The length is known only once the first block is decrypted, which a stream can do but once. */
function openerOverPlain(cipher: Stream, mac: Mac): Opener {
  let head: Uint8Array = new Uint8Array(BLOCK);
  return {
    block: BLOCK,
    lengthCounts: true,
    tagBytes: mac.bytes,
    headBytes: BLOCK,
    length(packet, at) {
      head = cipher.update(packet.subarray(at, at + BLOCK));
      return readUint32(head, 0);
    },
    open(packet, at, length, sequence) {
      const end = at + 4 + length;
      const opened = Buffer.concat([head, cipher.update(packet.subarray(at + BLOCK, end))]);
      const tag = packet.subarray(end, end + mac.bytes);
      return timingSafeEqual(mac.of(sequence, opened), tag) ? opened.subarray(4) : undefined;
    },
  };
}
