import { sha1 } from '@noble/hashes/legacy.js';
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';

const DIGESTS = { sha1, sha256, sha384, sha512 } as const;
export type DigestName = keyof typeof DIGESTS;

export function digestOf(name: string): (typeof DIGESTS)[DigestName] {
  if (!Object.hasOwn(DIGESTS, name)) throw unknown(`digest ${name}`);
  return DIGESTS[name as DigestName];
}

export function unknown(what: string): Error {
  return new Error(`node:crypto is not whole here: it has no ${what}`);
}
