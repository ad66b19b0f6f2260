/** The Merkle tree of RFC 6962 section 2.1, with SHA-256: hashes and the checking of proofs. */
import { hash } from 'node:crypto';

export const HASH_BYTES = 32;
/** No real tree is deeper: a proof is refused before it is worked through. */
const PROOF_MAX = 64;
const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** MTH of one entry. */
export function leafHash(entry: Uint8Array): Buffer {
  return sha256(LEAF, entry);
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  return sha256(NODE, left, right);
}

/** MTH of the empty tree. */
export function emptyRoot(): Buffer {
  return sha256();
}

/** MTH over leaf hashes, or over the hashes of complete subtrees of equal size. */
export function rootOf(hashes: readonly Uint8Array[]): Buffer {
  if (hashes.length === 0) return emptyRoot();
  if (hashes.length === 1) return Buffer.from(hashes[0]!);
  const half = largestPowerBelow(hashes.length);
  return nodeHash(rootOf(hashes.slice(0, half)), rootOf(hashes.slice(half)));
}

/** The largest power of two smaller than n; n > 1. */
export function largestPowerBelow(n: number): number {
  let power = 1;
  while (power * 2 < n) power *= 2;
  return power;
}

/**
 * True when `proof` shows that the leaf is number `index` of the tree of `size` leaves under `root`
 * (RFC 9162 section 2.1.3.2).
 */
export function inclusionHolds(
  leaf: Uint8Array,
  index: number,
  size: number,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (!isSize(size) || !isSize(index) || index >= size) return false;
  if (!isHash(leaf) || !isProof(proof)) return false;
  let node = index;
  let last = size - 1;
  let found: Buffer = Buffer.from(leaf);
  for (const sibling of proof) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      found = nodeHash(sibling, found);
      while (node % 2 === 0 && node !== 0) {
        node = half(node);
        last = half(last);
      }
    } else found = nodeHash(found, sibling);
    node = half(node);
    last = half(last);
  }
  return last === 0 && found.equals(root);
}

/**
 * True when `proof` shows that the tree of `newSize` under `newRoot` begins with the tree of `oldSize` under `oldRoot`
 * (RFC 9162 section 2.1.4.2).
 */
export function consistencyHolds(
  oldSize: number,
  oldRoot: Uint8Array,
  newSize: number,
  newRoot: Uint8Array,
  proof: readonly Uint8Array[],
): boolean {
  if (!isSize(oldSize) || !isSize(newSize) || oldSize > newSize) return false;
  if (!isHash(oldRoot) || !isHash(newRoot) || !isProof(proof)) return false;
  if (oldSize === 0 && !emptyRoot().equals(oldRoot)) return false;
  if (oldSize === newSize) return proof.length === 0 && Buffer.from(oldRoot).equals(newRoot);
  if (oldSize === 0) return proof.length === 0;
  const path = isPowerOfTwo(oldSize) ? [oldRoot, ...proof] : proof;
  if (path.length === 0) return false;
  let node = oldSize - 1;
  let last = newSize - 1;
  while (node % 2 === 1) {
    node = half(node);
    last = half(last);
  }
  let fromOld: Buffer = Buffer.from(path[0]!);
  let fromNew: Buffer = fromOld;
  for (const sibling of path.slice(1)) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      fromOld = nodeHash(sibling, fromOld);
      fromNew = nodeHash(sibling, fromNew);
      while (node % 2 === 0 && node !== 0) {
        node = half(node);
        last = half(last);
      }
    } else fromNew = nodeHash(fromNew, sibling);
    node = half(node);
    last = half(last);
  }
  return last === 0 && fromOld.equals(oldRoot) && fromNew.equals(newRoot);
}

/** In one call: a hash object of its own costs more than hashing so little. */
function sha256(...parts: readonly Uint8Array[]): Buffer {
  return hash('sha256', Buffer.concat(parts), 'buffer');
}

/** A shift would cut sizes above 2^31. */
function half(n: number): number {
  return Math.floor(n / 2);
}

/** A number of leaves, or the index of one, that is exact. */
export function isSize(n: number): boolean {
  return Number.isSafeInteger(n) && n >= 0;
}

/** A logarithm alone is an integer for 2^49 + 1 as well. */
export function isPowerOfTwo(n: number): boolean {
  return 2 ** Math.round(Math.log2(n)) === n;
}

function isProof(proof: readonly Uint8Array[]): boolean {
  return proof.length <= PROOF_MAX && proof.every(isHash);
}

function isHash(bytes: Uint8Array): boolean {
  return bytes.byteLength === HASH_BYTES;
}
