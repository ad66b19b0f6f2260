import { createPublicKey } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { zstdCompressSync } from 'node:zlib';
import { CustodyError } from '#core/errors.ts';
import { FRAME_HEADER_BYTES, FRAME_MAX_PAYLOAD, SEGMENT_MAX_BYTES } from '#core/recording/format.ts';
import { readFrames } from '#core/recording/read.ts';
import { verifyEvidence } from '#core/recording/verify/verify.ts';
import { encodeFrame, memoryFolder, segmentFile, threeSegments } from '../support/evidence-builder.ts';
import type { FuzzTarget } from './target.ts';

/** The vectors are the same on every machine, so that a seed number means the same inputs everywhere. */
const vectors = new URL('../vectors/recording/', import.meta.url);
const good = new Map(
  readdirSync(new URL('three-segments/', vectors)).map((name) => {
    return [name, readFileSync(new URL(`three-segments/${name}`, vectors))] as const;
  }),
);
const names = [...good.keys()].sort();
const signer = createPublicKey(readFileSync(new URL('trusted-signer.pem', vectors)));
const trustedSigners = [signer.export({ type: 'spki', format: 'der' })];

/** Segment files as they lie in a store. */
export const segments: FuzzTarget = {
  name: 'recording-segments',
  seeds: () => [0, 1, 2].map((number) => good.get(segmentFile(number))!),
  run: (bytes) => {
    readAll(bytes);
  },
};

/** Frames inside a sound block: what zstd would hardly ever let a mutation reach. */
export const frames: FuzzTarget = {
  name: 'recording-frames',
  seeds: () => threeSegments().map((segment) => Buffer.concat(segment.flat().map(encodeFrame))),
  run: (bytes) => {
    const consumed = readAll(
      Buffer.concat([zstdCompressSync(bytes), good.get(segmentFile(0))!.subarray(-512)]),
    );
    if (consumed > bytes.length) throw new Error(`${consumed} bytes of frames came out of ${bytes.length}`);
  },
};

/** One file of an evidence folder exchanged: never an exception, never `verified` unless nothing changed. */
export const evidence: FuzzTarget = {
  name: 'recording-evidence',
  seeds: () => [...good.values()],
  run: async (bytes) => {
    const name = names[bytes.length % names.length]!;
    const folder = memoryFolder(new Map<string, Uint8Array>(good).set(name, bytes));
    const { verdict } = await verifyEvidence(folder, { trustedSigners });
    if (verdict === 'verified' && !good.get(name)!.equals(bytes)) {
      throw new Error(`${name} was exchanged, and the verdict is ${verdict}`);
    }
  },
};

/** Reads to the end or to a CustodyError, and holds the reader to its bounds. Returns the size of the frames read. */
function readAll(segment: Uint8Array): number {
  let total = 0;
  let before = 0;
  try {
    for (const { payload, timeUs } of readFrames(segment)) {
      total += FRAME_HEADER_BYTES + payload.length;
      if (payload.length > FRAME_MAX_PAYLOAD || total > SEGMENT_MAX_BYTES) {
        throw new Error('a bound does not hold');
      }
      if (timeUs < before) throw new Error('time went backwards');
      before = timeUs;
    }
  } catch (thrown) {
    if (!(thrown instanceof CustodyError) || thrown.code !== 'format-invalid') throw thrown;
  }
  return total;
}
