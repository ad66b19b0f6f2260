/** AES-GCM as OpenSSH does it (its PROTOCOL, section 1.6; RFC 5647): the length is in the clear and authenticated. */
import { type CipherGCMTypes, createCipheriv, createDecipheriv } from 'node:crypto';
import { readUint32 } from '../wire.ts';
import { type CipherKind, type Opener, type Sealer, secretKey } from './cipher.ts';

const TAG_BYTES = 16;
const OPTIONS = { authTagLength: TAG_BYTES };
const SHAPE = { block: 16, lengthCounts: false, tagBytes: TAG_BYTES } as const;

export function gcm(algorithm: CipherGCMTypes, keyBytes: number): CipherKind {
  return {
    ivBytes: 12,
    keyBytes,
    sealer: ({ key, iv }) => sealer(algorithm, key, iv),
    opener: ({ key, iv }) => opener(algorithm, key, iv),
  };
}

function sealer(algorithm: CipherGCMTypes, bytes: Uint8Array, firstNonce: Uint8Array): Sealer {
  const key = secretKey(bytes);
  const nonce = Uint8Array.from(firstNonce);
  return {
    ...SHAPE,
    seal(packet, from, to) {
      const cipher = createCipheriv(algorithm, key, nonce, OPTIONS);
      cipher.setAAD(packet.subarray(from, from + 4));
      packet.set(cipher.update(packet.subarray(from + 4, to)), from + 4);
      cipher.final();
      packet.set(cipher.getAuthTag(), to);
      count(nonce);
    },
  };
}

function opener(algorithm: CipherGCMTypes, bytes: Uint8Array, firstNonce: Uint8Array): Opener {
  const key = secretKey(bytes);
  const nonce = Uint8Array.from(firstNonce);
  return {
    ...SHAPE,
    headBytes: 4,
    length: readUint32,
    open(packet, at, length) {
      const decipher = createDecipheriv(algorithm, key, nonce, OPTIONS);
      const end = at + 4 + length;
      decipher.setAAD(packet.subarray(at, at + 4));
      decipher.setAuthTag(packet.subarray(end, end + TAG_BYTES));
      const opened = decipher.update(packet.subarray(at + 4, end));
      count(nonce);
      try {
        decipher.final();
      } catch {
        return undefined;
      }
      return opened;
    },
  };
}

/** The last eight bytes count packets; new keys come long before they are through. */
function count(nonce: Uint8Array): void {
  for (let at = 11; at >= 4; at -= 1) {
    nonce[at] = nonce[at]! + 1;
    if (nonce[at] !== 0) return;
  }
}
