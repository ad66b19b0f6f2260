/** Signatures, judged as OpenSSL judges them: two verifiers must not differ about one. */
import { ed25519 } from '@noble/curves/ed25519.js';
import { bytesToNumberLE } from '@noble/curves/utils.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { Buffer } from './buffer.ts';
import type { DigestName } from './digests.ts';
import { CURVES, type PublicKey, type RsaNumbers } from './public-key.ts';

const { Point } = ed25519;
const ORDER = Point.Fn.ORDER;

/**
 * RFC 8032 section 5.1.7 without the cofactor, R compared as bytes, and neither key nor R of small order: as OpenSSL 3.5 does. The
 * library's own check multiplies by the cofactor, and so takes signatures that OpenSSL refuses.
 */
export function isEd25519(key: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64) return false;
  const r = signature.subarray(0, 32);
  const s = bytesToNumberLE(signature.subarray(32));
  if (s >= ORDER) return false;
  try {
    const point = Point.fromBytes(key, true);
    if (point.isSmallOrder() || Point.fromBytes(r, true).isSmallOrder()) return false;
    const k = bytesToNumberLE(sha512(Buffer.concat([r, key, data]))) % ORDER;
    const found = (s === 0n ? Point.ZERO : Point.BASE.multiply(s)).add(times(point.negate(), k));
    return Buffer.compare(found.toBytes(), r) === 0;
  } catch {
    return false;
  }
}

function times(point: InstanceType<typeof Point>, by: bigint) {
  return by === 0n ? Point.ZERO : point.multiplyUnsafe(by);
}

export function isEcdsa(
  { curve, point }: PublicKey,
  digest: Uint8Array,
  signature: Uint8Array,
  encoding: 'der' | 'ieee-p1363',
): boolean {
  const options = { prehash: false, lowS: false, format: encoding === 'der' ? 'der' : 'compact' } as const;
  try {
    return CURVES[curve!].curve.verify(signature, digest, point, options);
  } catch {
    return false;
  }
}

/** DigestInfo before the digest: RFC 8017 section 9.2, note 1. */
const DIGEST_INFO: Readonly<Partial<Record<DigestName, string>>> = {
  sha1: '3021300906052b0e03021a05000414',
  sha256: '3031300d060960864801650304020105000420',
  sha512: '3051300d060960864801650304020305000440',
};

/** RSASSA-PKCS1-v1_5, RFC 8017 section 8.2.2. */
export function isRsa(
  { rsa }: PublicKey,
  name: DigestName,
  digest: Uint8Array,
  signature: Uint8Array,
): boolean {
  const { n, e } = rsa!;
  const info = DIGEST_INFO[name];
  const length = Math.ceil(n.toString(2).length / 8);
  if (info === undefined || signature.length !== length) return false;
  const s = BigInt(`0x0${Buffer.from(signature).toString('hex')}`);
  if (s >= n) return false;
  const end = info + Buffer.from(digest).toString('hex');
  const padding = 'ff'.repeat(length - 3 - end.length / 2);
  return (
    power(s, { n, e })
      .toString(16)
      .padStart(2 * length, '0') === `0001${padding}00${end}`
  );
}

function power(base: bigint, { n, e }: RsaNumbers): bigint {
  let [result, square] = [1n, base];
  for (let left = e; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % n;
    square = (square * square) % n;
  }
  return result;
}
