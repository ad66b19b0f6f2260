import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import {
  consistencyHolds,
  emptyRoot,
  HASH_BYTES,
  inclusionHolds,
  leafHash,
  nodeHash,
  rootOf,
} from '#core/ledger/merkle.ts';
import {
  mthOf,
  naiveLeaf,
  naivePath,
  naiveProof,
  rootOfPath,
  rootsOfProof,
  sha256,
  uniformMth,
} from '#test/support/naive-merkle.ts';

interface Inclusion {
  readonly desc: string;
  readonly index: number;
  readonly size: number;
  readonly root: string;
  readonly leafHash: string;
  readonly proof: readonly string[];
  readonly holds: boolean;
}

interface Consistency {
  readonly desc: string;
  readonly oldSize: number;
  readonly newSize: number;
  readonly oldRoot: string;
  readonly newRoot: string;
  readonly proof: readonly string[];
  readonly holds: boolean;
}

interface Vectors {
  readonly inclusion: readonly Inclusion[];
  readonly consistency: readonly Consistency[];
}

const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const load = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../vectors/ledger/${name}.json`, import.meta.url), 'utf8'));

const checkInclusion = (v: Inclusion): boolean =>
  inclusionHolds(hex(v.leafHash), v.index, v.size, v.proof.map(hex), hex(v.root));
const checkConsistency = (v: Consistency): boolean =>
  consistencyHolds(v.oldSize, hex(v.oldRoot), v.newSize, hex(v.newRoot), v.proof.map(hex));

describe('proofs made by others', () => {
  const probes = load('probes') as Vectors;

  test.each(probes.inclusion)('inclusion of $index in $size: $desc', (probe) => {
    expect(checkInclusion(probe)).toBe(probe.holds);
  });

  test.each(probes.consistency)('consistency of $oldSize and $newSize: $desc', (probe) => {
    expect(checkConsistency(probe)).toBe(probe.holds);
  });

  test.each(['reference-tree', 'tree-70000'])('%s', (name) => {
    const { inclusion, consistency } = load(name) as Vectors;
    expect(inclusion.filter((proof) => !checkInclusion(proof))).toEqual([]);
    expect(consistency.filter((proof) => !checkConsistency(proof))).toEqual([]);
  });

  it('agree with ours on every root of the reference tree', () => {
    const { leaves, roots } = load('reference-tree') as { leaves: string[]; roots: string[] };
    const hashes = leaves.map((leaf) => leafHash(hex(leaf)));
    expect(roots.map((_, size) => rootOf(hashes.slice(0, size)).toString('hex'))).toEqual(roots);
    expect(emptyRoot().toString('hex')).toBe(roots[0]);
  });
});

const SIZE_MAX = 300;
const entries = Array.from({ length: SIZE_MAX }, (_, i) => Buffer.from(`entry ${i}`));
const mth = mthOf(entries);
const sizes = fc.integer({ min: 1, max: SIZE_MAX });
const indexed = sizes.chain((size) => fc.tuple(fc.integer({ min: 0, max: size - 1 }), fc.constant(size)));
const pairs = sizes.chain((size) => fc.tuple(fc.integer({ min: 1, max: size }), fc.constant(size)));
const strictPairs = pairs.filter(([old, size]) => old < size);

describe('hashes', () => {
  it('are those of the definitions', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 70 }), (some) => {
        expect(rootOf(some.map(leafHash))).toEqual(mthOf(some)(0, some.length));
      }),
    );
  });

  it('tell a leaf from a node', () => {
    const [left, right] = [naiveLeaf(entries[0]!), naiveLeaf(entries[1]!)];
    expect(nodeHash(left, right)).not.toEqual(leafHash(Buffer.concat([left, right])));
  });
});

describe('an inclusion proof', () => {
  it('of the definition holds', () => {
    fc.assert(
      fc.property(indexed, ([index, size]) => {
        const proof = naivePath(index, 0, size, mth);
        expect(inclusionHolds(mth(index, index + 1), index, size, proof, mth(0, size))).toBe(true);
      }),
    );
  });

  it('holds no more when anything in it changed', () => {
    fc.assert(
      fc.property(indexed, changes, ([index, size], change) => {
        const proof = naivePath(index, 0, size, mth);
        const changed = change(proof, mth(0, size));
        if (same(proof, changed)) return;
        expect(inclusionHolds(mth(index, index + 1), index, size, changed, mth(0, size))).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  it('holds for no other leaf, index or root, nor in a tree twice or half as large', () => {
    fc.assert(
      fc.property(indexed, sizes, ([index, size], other) => {
        const proof = naivePath(index, 0, size, mth);
        const [leaf, root] = [mth(index, index + 1), mth(0, size)];
        const otherIndex = other % size;
        const [sameIndex, otherLeaf] = [otherIndex === index, mth(otherIndex, otherIndex + 1)];
        expect(inclusionHolds(leaf, otherIndex, size, proof, root)).toBe(sameIndex);
        expect(inclusionHolds(otherLeaf, index, size, proof, root)).toBe(sameIndex);
        expect(inclusionHolds(leaf, index, size, proof, mth(0, other))).toBe(other === size);
        expect(inclusionHolds(leaf, index, size * 2, proof, root)).toBe(false);
        expect(inclusionHolds(leaf, index, Math.floor(size / 2), proof, root)).toBe(false);
      }),
    );
  });

  it('is judged as the definition judges it, whatever is asked', () => {
    fc.assert(
      fc.property(indexed, indexed, ([index, size], [askedIndex, askedSize]) => {
        const proof = naivePath(index, 0, size, mth);
        const [leaf, root] = [mth(index, index + 1), mth(0, size)];
        const expected = rootOfPath(askedIndex, askedSize, leaf, proof)?.equals(root) ?? false;
        expect(inclusionHolds(leaf, askedIndex, askedSize, proof, root)).toBe(expected);
      }),
      { numRuns: 1000 },
    );
  });

  test.each([
    [-1, 8],
    [0.5, 8],
    [Number.NaN, 8],
    [0, -1],
    [0, 1.5],
    [0, Number.NaN],
    [0, Number.POSITIVE_INFINITY],
    [8, 8],
    [0, 0],
    [0, 2 ** 53],
  ])('of index %d in %d is none', (index, size) => {
    expect(inclusionHolds(mth(0, 1), index, size, [], mth(0, 1))).toBe(false);
  });

  it('of more than 64 hashes is refused', () => {
    const proof = Array.from({ length: 65 }, () => mth(0, 1));
    expect(inclusionHolds(mth(0, 1), 0, Number.MAX_SAFE_INTEGER, proof, mth(0, 1))).toBe(false);
  });

  test.each([0, 31, 33, 64])('refuses a leaf hash of %d bytes', (length) => {
    const bytes = Buffer.alloc(length);
    expect(inclusionHolds(bytes, 0, 1, [], bytes)).toBe(false);
  });
});

describe('a consistency proof', () => {
  it('of the definition holds', () => {
    fc.assert(
      fc.property(pairs, ([old, size]) => {
        const proof = naiveProof(old, size, mth);
        expect(consistencyHolds(old, mth(0, old), size, mth(0, size), proof)).toBe(true);
      }),
    );
  });

  it('holds no more when anything in it changed', () => {
    fc.assert(
      fc.property(strictPairs, changes, ([old, size], change) => {
        const proof = naiveProof(old, size, mth);
        const changed = change(proof, mth(0, old));
        if (same(proof, changed)) return;
        expect(consistencyHolds(old, mth(0, old), size, mth(0, size), changed)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  it('holds for no other root, and not backwards', () => {
    fc.assert(
      fc.property(strictPairs, sizes, ([old, size], other) => {
        const proof = naiveProof(old, size, mth);
        expect(consistencyHolds(old, mth(0, other), size, mth(0, size), proof)).toBe(other === old);
        expect(consistencyHolds(old, mth(0, old), size, mth(0, other), proof)).toBe(other === size);
        expect(consistencyHolds(old, mth(0, size), size, mth(0, old), proof)).toBe(false);
        expect(consistencyHolds(size, mth(0, size), old, mth(0, old), proof)).toBe(false);
      }),
    );
  });

  it('is judged as the definition judges it, whatever is asked', () => {
    fc.assert(
      fc.property(strictPairs, strictPairs, ([old, size], [askedOld, askedSize]) => {
        const proof = naiveProof(old, size, mth);
        const [oldRoot, newRoot] = [mth(0, old), mth(0, size)];
        const roots = rootsOfProof(askedOld, askedSize, oldRoot, proof);
        const expected = roots !== undefined && roots.old.equals(oldRoot) && roots.new.equals(newRoot);
        expect(consistencyHolds(askedOld, oldRoot, askedSize, newRoot, proof)).toBe(expected);
      }),
      { numRuns: 1000 },
    );
  });

  it('of two trees that differ in their beginning does not exist', () => {
    fc.assert(
      fc.property(strictPairs, fc.nat(), ([old, size], at) => {
        const fork = entries.slice(0, size);
        fork[at % old] = Buffer.from('another entry');
        const forked = mthOf(fork);
        const proof = naiveProof(old, size, forked);
        expect(consistencyHolds(old, mth(0, old), size, forked(0, size), proof)).toBe(false);
      }),
    );
  });

  it('from the empty tree is empty, and so is one between equal trees', () => {
    const [root, other] = [mth(0, 5), mth(0, 6)];
    expect(consistencyHolds(0, emptyRoot(), 5, root, [])).toBe(true);
    expect(consistencyHolds(0, emptyRoot(), 5, root, [root])).toBe(false);
    expect(consistencyHolds(0, root, 5, root, [])).toBe(false);
    expect(consistencyHolds(0, emptyRoot(), 0, root, [])).toBe(false);
    expect(consistencyHolds(5, root, 5, root, [])).toBe(true);
    expect(consistencyHolds(5, root, 5, root, [root])).toBe(false);
    expect(consistencyHolds(5, root, 5, other, [])).toBe(false);
  });

  test.each([
    [-1, 8],
    [1.5, 8],
    [Number.NaN, 8],
    [1, -1],
    [1, Number.NaN],
    [1, 2 ** 53],
    [9, 8],
  ])('of %d and %d is none', (old, size) => {
    expect(consistencyHolds(old, mth(0, 1), size, mth(0, 1), [])).toBe(false);
    expect(consistencyHolds(old, mth(0, 1), size, mth(0, 1), [mth(0, 1)])).toBe(false);
  });

  test.each([0, 31, 33])('refuses roots of %d bytes', (length) => {
    const bytes = Buffer.alloc(length);
    expect(consistencyHolds(3, bytes, 3, bytes, [])).toBe(false);
  });
});

describe('trees too large to be written down', () => {
  const huge = uniformMth(Buffer.from('the same'));
  const near = fc
    .tuple(fc.integer({ min: 30, max: 52 }), fc.integer({ min: -3, max: 3 }))
    .map(([power, by]) => 2 ** power + by);
  const large = fc.oneof(near, fc.maxSafeInteger().map(Math.abs)).filter((size) => size > 1);

  it('have inclusion proofs', () => {
    fc.assert(
      fc.property(large, large, (some, size) => {
        const index = some % size;
        const proof = naivePath(index, 0, size, huge);
        expect(inclusionHolds(huge(0, 1), index, size, proof, huge(0, size))).toBe(true);
        expectRefusedWithout(proof, (less) => inclusionHolds(huge(0, 1), index, size, less, huge(0, size)));
      }),
      { numRuns: 300 },
    );
  });

  it('have consistency proofs', () => {
    fc.assert(
      fc.property(large, large, (one, other) => {
        const [old, size] = [Math.min(one, other), Math.max(one, other)];
        const proof = naiveProof(old, size, huge);
        const holds = (some: Buffer[]) => consistencyHolds(old, huge(0, old), size, huge(0, size), some);
        expect(holds(proof)).toBe(true);
        expectRefusedWithout(proof, holds);
      }),
      { numRuns: 300 },
    );
  });

  test.each([2 ** 49 + 1, 2 ** 50 - 1, 2 ** 52 + 1])('a size of %d is no power of two', (old) => {
    const size = 2 ** 52 + 5;
    const proof = naiveProof(old, size, huge);
    expect(consistencyHolds(old, huge(0, old), size, huge(0, size), proof)).toBe(true);
  });

  function expectRefusedWithout(proof: Buffer[], holds: (proof: Buffer[]) => boolean): void {
    expect(holds(proof.slice(1))).toBe(proof.length === 0);
    expect(holds(proof.slice(0, -1))).toBe(proof.length === 0);
  }
});

type Change = (proof: readonly Buffer[], root: Buffer) => Buffer[];

/** Everything a liar may do to a proof: flip a bit, drop, add, swap, repeat, cut a hash. */
const changes: fc.Arbitrary<Change> = fc.tuple(fc.nat(), fc.nat(), fc.nat()).map(([how, where, what]) => {
  const kinds: readonly Change[] = [
    (proof) => proof.map((hash, i) => (i === where % proof.length ? flip(hash, what) : hash)),
    (proof) => proof.filter((_, i) => i !== where % proof.length),
    (proof) => insert(proof, where, sha256(Buffer.from(String(what)))),
    (proof, root) => insert(proof, where, root),
    (proof) => insert(proof, where, proof[what % proof.length] ?? Buffer.alloc(HASH_BYTES)),
    (proof) => swap(proof, where % proof.length, what % proof.length),
    (proof) => proof.map((hash, i) => (i === where % proof.length ? hash.subarray(1) : hash)),
    (proof) => insert(proof, where, Buffer.alloc(0)),
    (proof) => (proof.length === 0 ? [Buffer.alloc(HASH_BYTES)] : []),
  ];
  return kinds[how % kinds.length]!;
});

function flip(hash: Buffer, bit: number): Buffer {
  const flipped = Buffer.from(hash);
  flipped[Math.floor(bit / 8) % HASH_BYTES]! ^= 1 << (bit % 8);
  return flipped;
}

function insert(proof: readonly Buffer[], where: number, hash: Buffer): Buffer[] {
  return proof.toSpliced(where % (proof.length + 1), 0, hash);
}

function swap(proof: readonly Buffer[], a: number, b: number): Buffer[] {
  if (proof.length === 0) return [];
  return proof.with(a, proof[b]!).with(b, proof[a]!);
}

function same(a: readonly Buffer[], b: readonly Buffer[]): boolean {
  return a.length === b.length && a.every((hash, i) => hash.equals(b[i]!));
}
