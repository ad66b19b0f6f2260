import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FRAME_HEADER_BYTES, FRAME_MAX_PAYLOAD } from '#core/recording/format.ts';
import {
  gatherFrames,
  lastTimeMs,
  SLAB_BYTES,
  SlabReader,
  type SlabRange,
  SlabWriter,
} from '#core/recording/slab.ts';
import { encodeFrame } from '#test/support/evidence-builder.ts';

interface Appended {
  readonly tape: number;
  readonly stream: 0 | 1 | 2 | 3;
  readonly flags: number;
  readonly timeUs: number;
  readonly payload: Uint8Array;
  /** The source may be longer than what is recorded of it. */
  readonly spare: number;
}

const AT_MS = 1_234.5;
const HALF = new Uint8Array(SLAB_BYTES / 2 - 100);
const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, n) => sum + n, 0);
/** The slab's header, the frame's, and the record. */
const AROUND_A_FRAME = 8 + FRAME_HEADER_BYTES + 16;

/** Sizes around every way of copying: byte by byte, small views, native. */
const size = fc.oneof(
  fc.integer({ min: 0, max: 2000 }),
  fc.constantFrom(0, 1, 7, 8, 9, 31, 32, 33, 1023, 1024, 1025, 65_536),
);
const frames: fc.Arbitrary<Appended[]> = fc.array(
  fc.record({
    tape: fc.integer({ min: 1, max: 0xffff_ffff }),
    stream: fc.constantFrom(0, 1, 2, 3),
    flags: fc.constantFrom(0, 1),
    timeUs: fc.maxSafeNat(),
    payload: size.chain((n) =>
      fc.nat(255).map((start) => Uint8Array.from({ length: n }, (_, i) => start + i)),
    ),
    spare: fc.constantFrom(0, 0, 100),
  }),
  { maxLength: 40 },
);

function write(slab: SlabWriter, { tape, stream, flags, timeUs, payload, spare }: Appended): void {
  const source = Buffer.concat([payload, Buffer.alloc(spare, 0xee)]);
  slab.append(tape, stream, flags, timeUs, source, payload.length, AT_MS);
}

/** In as few slabs as they fit. */
function writeAll(appended: readonly Appended[]): SlabWriter[] {
  // What a slab held before must not show through.
  const fresh = (): SlabWriter => new SlabWriter(new Uint8Array(SLAB_BYTES).fill(0xdd).buffer);
  const slabs = [fresh()];
  for (const frame of appended) {
    if (!slabs.at(-1)!.fits(frame.payload.length)) slabs.push(fresh());
    write(slabs.at(-1)!, frame);
  }
  return slabs;
}

const rangesOf = (slabs: readonly SlabWriter[]): SlabRange[] => slabs.map(({ range }) => range);

const scratch = new Uint8Array(4 * SLAB_BYTES);

describe('slab', () => {
  it('gives each tape its frames, as FORMAT.md stores them, in order', () => {
    fc.assert(
      fc.property(frames, (appended) => {
        const gathered = gatherFrames(rangesOf(writeAll(appended)), scratch);
        const byTape = Map.groupBy(appended, ({ tape }) => tape);
        expect(gathered.map(({ tape }) => tape)).toEqual([...byTape.keys()]);
        for (const { tape, rawFrames, frames, payload } of gathered) {
          const own = byTape.get(tape)!;
          expect(Buffer.concat(own.map(encodeFrame)).equals(rawFrames)).toBe(true);
          expect(frames).toBe(own.length);
          expect(payload).toBe(own.reduce((sum, frame) => sum + frame.payload.length, 0));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('keeps the time to the microsecond, up to the largest', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (timeUs) => {
        const slab = new SlabWriter(new ArrayBuffer(64));
        slab.append(1, 0, 0, timeUs, new Uint8Array(0), 0, AT_MS);
        const [only] = gatherFrames(rangesOf([slab]), scratch);
        expect(Buffer.from(only!.rawFrames).readBigUInt64LE(8)).toBe(BigInt(timeUs));
      }),
    );
  });

  it('fits exactly what it says, to the last byte', () => {
    const most = SLAB_BYTES - AROUND_A_FRAME;
    const slab = new SlabWriter(new ArrayBuffer(SLAB_BYTES));
    expect(slab.fits(most)).toBe(true);
    expect(slab.fits(most + 1)).toBe(false);
    const payload = new Uint8Array(most).fill(9);
    slab.append(5, 1, 0, 1, payload, most, AT_MS);
    expect([slab.range.bytes, slab.fits(0)]).toEqual([SLAB_BYTES - 8, false]);
    const [only] = gatherFrames(rangesOf([slab]), scratch);
    expect(Buffer.from(only!.rawFrames.subarray(FRAME_HEADER_BYTES)).equals(payload)).toBe(true);
  });

  it('holds no frame of the largest size that FORMAT.md allows, and says so', () => {
    expect(new SlabWriter(new ArrayBuffer(SLAB_BYTES)).fits(FRAME_MAX_PAYLOAD)).toBe(false);
  });

  it('gathers what is mixed of four full slabs into one block for each tape', () => {
    const mixed = [1, 2].map(
      (tape) => ({ tape, stream: 1, flags: 0, timeUs: 1, payload: HALF, spare: 0 }) as const,
    );
    const slabs = writeAll([...mixed, ...mixed, ...mixed, ...mixed]);
    expect(slabs).toHaveLength(4);
    expect(gatherFrames(rangesOf(slabs), scratch)).toMatchObject([
      { tape: 1, frames: 4, payload: 4 * HALF.length },
      { tape: 2, frames: 4, payload: 4 * HALF.length },
    ]);
  });

  it('leaves much of one tape where it lies, and keeps the order of each', () => {
    const few = fc.array(
      fc.record({
        tape: fc.constantFrom(1, 1, 1, 2),
        stream: fc.constantFrom(0, 1, 2, 3),
        flags: fc.constant(0),
        timeUs: fc.maxSafeNat(),
        payload: fc
          .tuple(fc.constantFrom(10, 200_000, 300_000), fc.nat(255))
          .map(([length, byte]) => new Uint8Array(length).fill(byte)),
        spare: fc.constant(0),
      }),
      { maxLength: 12 },
    );
    let lay = 0;
    fc.assert(
      fc.property(few, (appended) => {
        const slabs = writeAll(appended).slice(0, 4);
        const held = appended.slice(
          0,
          slabs.reduce((sum, { range }) => sum + range.to, 0),
        );
        for (const slab of slabs) slab.mark(AT_MS);
        const gathered = gatherFrames(rangesOf(slabs), scratch);
        const byTape = Map.groupBy(gathered, ({ tape }) => tape);
        for (const [tape, own] of Map.groupBy(held, (frame) => frame.tape)) {
          const blocks = byTape.get(tape)!;
          const raw = Buffer.concat(blocks.map(({ rawFrames }) => rawFrames));
          expect(Buffer.concat(own.map(encodeFrame)).equals(raw)).toBe(true);
          expect(sumOf(blocks.map(({ frames: count }) => count))).toBe(own.length);
          expect(sumOf(blocks.map(({ payload }) => payload))).toBe(
            sumOf(own.map(({ payload }) => payload.length)),
          );
          expect(blocks.some(({ hasClient }) => hasClient)).toBe(own.some(({ stream }) => stream === 0));
        }
        lay += gathered.filter(({ rawFrames }) => rawFrames.buffer !== scratch.buffer).length;
      }),
      { numRuns: 60 },
    );
    expect(lay).toBeGreaterThan(0);
  });

  it('keeps apart what is mixed before and behind what lies as it is', () => {
    const frame = (tape: number, byte: number, length: number): Appended => {
      return { tape, stream: 1, flags: 0, timeUs: 1, payload: new Uint8Array(length).fill(byte), spare: 0 };
    };
    const slabs = [
      [frame(1, 1, 9), frame(2, 2, 9)],
      [frame(1, 3, 300_000)],
      [frame(2, 4, 9), frame(1, 5, 9)],
    ];
    const gathered = gatherFrames(rangesOf(slabs.flatMap(writeAll)), scratch);
    expect(gathered.map(({ tape, rawFrames }) => [tape, rawFrames.at(-1)])).toEqual([
      [1, 1],
      [2, 2],
      [1, 3],
      [2, 4],
      [1, 5],
    ]);
  });

  it('is taken in parts while it is filled: each record once, in order, and every part knows how late it is', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }), (appended, takes) => {
        const slab = new SlabWriter(new ArrayBuffer(4 * SLAB_BYTES));
        const reader = new SlabReader(slab.buffer);
        const times: number[] = [];
        const ranges: SlabRange[] = [];
        const take = (atMs: number): void => {
          const range = reader.take();
          if (range === undefined) return;
          ranges.push(range);
          times.push(atMs);
        };
        for (const [n, frame] of appended.entries()) {
          write(slab, frame);
          if (takes[n]!) slab.mark(AT_MS + n);
          if (takes[n]!) take(AT_MS + n);
        }
        take(AT_MS);
        expect(ranges.map(lastTimeMs)).toEqual(times);
        expect(reader.take()).toBeUndefined();
        const all = (given: readonly SlabRange[]): string[] =>
          gatherFrames(given, scratch).map(
            ({ tape, rawFrames }) => `${tape} ${Buffer.from(rawFrames).toString('hex')}`,
          );
        expect(all(ranges)).toEqual(all([slab.range]));
      }),
      { numRuns: 50 },
    );
  });

  it('gathers nothing from nothing', () => {
    expect(gatherFrames([], scratch)).toEqual([]);
    expect(gatherFrames(rangesOf([new SlabWriter(new ArrayBuffer(64))]), scratch)).toEqual([]);
  });
});
