/** Keys out of an exchange (RFC 4253 section 7.2). */
import { createHash } from 'node:crypto';
import type { Keys } from './cipher.ts';
import { cipherKind, macKind } from './ciphers.ts';

/** What the keys are derived from; `secret` as it went into the hash. */
export interface Exchanged {
  readonly hashName: 'sha256' | 'sha384';
  readonly secret: Uint8Array;
  readonly hash: Uint8Array;
  readonly sessionId: Uint8Array;
}

const LETTERS = {
  toServer: { iv: 'A', key: 'C', mac: 'E' },
  toClient: { iv: 'B', key: 'D', mac: 'F' },
} as const;

export function deriveKeys(
  exchanged: Exchanged,
  direction: 'toServer' | 'toClient',
  cipher: string,
  mac: string,
): Keys {
  const letters = LETTERS[direction];
  const kind = cipherKind(cipher)!;
  return {
    iv: derive(exchanged, letters.iv, kind.ivBytes),
    key: derive(exchanged, letters.key, kind.keyBytes),
    mac: derive(exchanged, letters.mac, macKind(mac)?.bytes ?? 0),
  };
}

function derive(
  { hashName, secret, hash, sessionId }: Exchanged,
  letter: string,
  length: number,
): Uint8Array {
  const start = Buffer.concat([secret, hash]);
  let key = createHash(hashName).update(start).update(letter).update(sessionId).digest();
  while (key.length < length)
    key = Buffer.concat([key, createHash(hashName).update(start).update(key).digest()]);
  return key.subarray(0, length);
}
