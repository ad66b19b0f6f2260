/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export type Random = () => number;

export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const MAX_BYTES = 64 << 10;
/** Lengths and counts that code gets wrong. */
const edges = [
  0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x10_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff,
];

type Mutation = (bytes: Buffer, random: Random, other: Uint8Array) => Buffer;

const mutations: readonly Mutation[] = [
  function flipBit(bytes, random) {
    const at = below(random, bytes.length);
    bytes[at]! ^= 1 << below(random, 8);
    return bytes;
  },
  function setByte(bytes, random) {
    bytes[below(random, bytes.length)] = below(random, 256);
    return bytes;
  },
  function setEdge(bytes, random) {
    const value = edges[below(random, edges.length)]!;
    const number = Buffer.alloc(4);
    if (random() < 0.5) number.writeUInt32LE(value);
    else number.writeUInt32BE(value);
    number.copy(bytes, below(random, bytes.length));
    return bytes;
  },
  function remove(bytes, random) {
    const [from, to] = range(random, bytes.length);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  },
  function repeat(bytes, random) {
    const [from, to] = range(random, bytes.length);
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
  },
  function insert(bytes, random) {
    const at = below(random, bytes.length);
    const noise = Buffer.from(Array.from({ length: 1 + below(random, 16) }, () => below(random, 256)));
    return Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at)]);
  },
  function splice(bytes, random, other) {
    const [from, to] = range(random, other.length);
    return Buffer.concat([bytes.subarray(0, below(random, bytes.length)), other.subarray(from, to)]);
  },
  function truncate(bytes, random) {
    return bytes.subarray(0, below(random, bytes.length + 1));
  },
];

/** A copy of one of `corpus` with one to eight mutations, at most 64 KiB. */
export function mutate(corpus: readonly Uint8Array[], random: Random): Uint8Array {
  let bytes: Buffer = Buffer.from(pick(corpus, random));
  for (let left = 1 + below(random, 8); left > 0; left--) {
    if (bytes.length === 0) bytes = Buffer.from([below(random, 256)]);
    bytes = pick(mutations, random)(bytes, random, pick(corpus, random));
  }
  return new Uint8Array(bytes.subarray(0, MAX_BYTES));
}

function pick<T>(items: readonly T[], random: Random): T {
  return items[below(random, items.length)]!;
}

function below(random: Random, limit: number): number {
  return Math.floor(random() * limit);
}

function range(random: Random, length: number): readonly [number, number] {
  const from = below(random, length);
  return [from, from + 1 + below(random, Math.min(64, length - from))];
}
