/** RFC 6962 section 2.1 word for word: slow, recursive, and sharing nothing with core/ledger. */
import { createHash } from 'node:crypto';

/** MTH(D[from:to]) of some tree D. */
export type Mth = (from: number, to: number) => Buffer;

export function sha256(...parts: readonly Uint8Array[]): Buffer {
  return createHash('sha256').update(Buffer.concat(parts)).digest();
}

export const naiveLeaf = (entry: Uint8Array): Buffer => sha256(Buffer.from([0]), entry);
const node = (left: Uint8Array, right: Uint8Array): Buffer => sha256(Buffer.from([1]), left, right);

/** The largest power of two smaller than n. */
export function splitOf(n: number): number {
  let k = 1;
  while (k < n) k *= 2;
  return k / 2;
}

/** D is a list of entries. */
export function mthOf(entries: readonly Uint8Array[]): Mth {
  const known = new Map<string, Buffer>();
  return function mth(from, to) {
    const name = `${from}:${to}`;
    const hash = known.get(name) ?? (to - from < 2 ? leafOrNone(from, to) : inner(from, to, mth));
    known.set(name, hash);
    return hash;
  };

  function leafOrNone(from: number, to: number): Buffer {
    return from === to ? sha256() : naiveLeaf(entries[from]!);
  }
}

/** D is as many of the same entry as one likes: trees too large to be written down. */
export function uniformMth(entry: Uint8Array): Mth {
  const known = new Map<number, Buffer>();
  return function mth(from, to) {
    const length = to - from;
    const hash = known.get(length) ?? (length === 1 ? naiveLeaf(entry) : inner(from, to, mth));
    known.set(length, hash);
    return hash;
  };
}

function inner(from: number, to: number, mth: Mth): Buffer {
  const k = splitOf(to - from);
  return node(mth(from, from + k), mth(from + k, to));
}

/** PATH(m, D[from:to]), with m counted from `from`. */
export function naivePath(m: number, from: number, to: number, mth: Mth): Buffer[] {
  const n = to - from;
  if (n === 1) return [];
  const k = splitOf(n);
  return m < k
    ? [...naivePath(m, from, from + k, mth), mth(from + k, to)]
    : [...naivePath(m - k, from + k, to, mth), mth(from, from + k)];
}

/** PROOF(m, D[0:n]), 0 < m. */
export function naiveProof(m: number, n: number, mth: Mth): Buffer[] {
  return subproof(m, 0, n, true, mth);
}

function subproof(m: number, from: number, to: number, known: boolean, mth: Mth): Buffer[] {
  const n = to - from;
  if (m === n) return known ? [] : [mth(from, to)];
  const k = splitOf(n);
  return m <= k
    ? [...subproof(m, from, from + k, known, mth), mth(from + k, to)]
    : [...subproof(m - k, from + k, to, false, mth), mth(from, from + k)];
}

/** The root that a PATH leads to, by its definition read backwards; undefined when the path has another length. */
export function rootOfPath(
  m: number,
  n: number,
  leaf: Uint8Array,
  path: readonly Uint8Array[],
): Buffer | undefined {
  if (m >= n) return undefined;
  if (n === 1) return path.length === 0 ? Buffer.from(leaf) : undefined;
  const k = splitOf(n);
  const last = path.at(-1);
  if (last === undefined) return undefined;
  const left = m < k;
  const below = rootOfPath(left ? m : m - k, left ? k : n - k, leaf, path.slice(0, -1));
  if (below === undefined) return undefined;
  return left ? node(below, last) : node(last, below);
}

/** The old and the new root that a PROOF leads to, by its definition read backwards. */
export function rootsOfProof(
  m: number,
  n: number,
  oldRoot: Uint8Array,
  proof: readonly Uint8Array[],
  known = true,
): { old: Buffer; new: Buffer } | undefined {
  if (m < 1 || m > n) return undefined;
  if (m === n) return rootsOfLast(oldRoot, proof, known);
  const last = proof.at(-1);
  if (last === undefined) return undefined;
  const k = splitOf(n);
  const left = m <= k;
  const below = rootsOfProof(
    left ? m : m - k,
    left ? k : n - k,
    oldRoot,
    proof.slice(0, -1),
    left ? known : false,
  );
  if (below === undefined) return undefined;
  return left
    ? { old: below.old, new: node(below.new, last) }
    : { old: node(last, below.old), new: node(last, below.new) };
}

function rootsOfLast(oldRoot: Uint8Array, proof: readonly Uint8Array[], known: boolean) {
  if (proof.length !== (known ? 0 : 1)) return undefined;
  const hash = Buffer.from(known ? oldRoot : proof[0]!);
  return { old: hash, new: hash };
}
