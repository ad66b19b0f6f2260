/** The ciphers and MACs by their names. */

import { readUint32 } from '../wire.ts';
import type { CipherKind, MacKind, Opener, Sealer } from './cipher.ts';
import { chacha } from './cipher-chacha.ts';
import { ctr } from './cipher-ctr.ts';
import { gcm } from './cipher-gcm.ts';

/** Undefined for a name that is not spoken here. */
export function cipherKind(name: string): CipherKind | undefined {
  switch (name) {
    case 'aes256-gcm@openssh.com':
      return gcm('aes-256-gcm', 32);
    case 'aes128-gcm@openssh.com':
      return gcm('aes-128-gcm', 16);
    case 'chacha20-poly1305@openssh.com':
      return chacha;
    case 'aes256-ctr':
      return ctr('aes-256-ctr', 32);
    case 'aes192-ctr':
      return ctr('aes-192-ctr', 24);
    case 'aes128-ctr':
      return ctr('aes-128-ctr', 16);
    default:
      return undefined;
  }
}

export function macKind(name: string): MacKind | undefined {
  switch (name) {
    case 'hmac-sha2-256-etm@openssh.com':
      return { hash: 'sha256', bytes: 32, overCiphertext: true };
    case 'hmac-sha2-512-etm@openssh.com':
      return { hash: 'sha512', bytes: 64, overCiphertext: true };
    case 'hmac-sha2-256':
      return { hash: 'sha256', bytes: 32, overCiphertext: false };
    case 'hmac-sha2-512':
      return { hash: 'sha512', bytes: 64, overCiphertext: false };
    default:
      return undefined;
  }
}

/** Before the first exchange nothing is sealed. */
export const plain: Sealer & Opener = {
  block: 8,
  lengthCounts: true,
  tagBytes: 0,
  headBytes: 4,
  seal: () => undefined,
  length: readUint32,
  open: (bytes, at, length) => bytes.subarray(at + 4, at + 4 + length),
};
