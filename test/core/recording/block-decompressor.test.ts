import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { readBlocks } from '#core/recording/read-blocks.ts';

const BLOCK_MAX = 4 << 20;

/** What node's own decoder makes of a frame; undefined where it refuses. */
function oracle(frame: Uint8Array): Uint8Array | undefined {
  try {
    const params = { [constants.ZSTD_d_windowLogMax]: 23 };
    return Uint8Array.from(zstdDecompressSync(frame, { maxOutputLength: BLOCK_MAX, params }));
  } catch {
    return undefined;
  }
}

interface Read {
  readonly blocks: readonly Uint8Array[];
  /** The frame each block was read from: of the last one the end is known only where all was read. */
  readonly frames: readonly Uint8Array[];
  readonly isWhole: boolean;
}

/** Everything that the blocks of `content` hold, kept until the end, and whether it was read to its end. */
function readAll(content: Uint8Array): Read {
  const blocks: Uint8Array[] = [];
  const starts: number[] = [];
  const read = (isWhole: boolean): Read => {
    const ends = isWhole ? [...starts.slice(1), content.length] : starts.slice(1);
    return { blocks, frames: ends.map((end, at) => content.subarray(starts[at], end)), isWhole };
  };
  try {
    for (const { bytes, offset } of readBlocks(content)) {
      blocks.push(bytes);
      starts.push(offset);
    }
    return read(true);
  } catch (error) {
    if (!(error instanceof CustodyError && error.code === 'format-invalid')) throw error;
    return read(false);
  }
}

const raw = fc.oneof(
  fc.uint8Array({ maxLength: 400 }),
  fc.nat({ max: 300_000 }).map((length) => new Uint8Array(length).fill(7)),
);
const frames = fc
  .record({ raw, level: fc.constantFrom(1, 19), declared: fc.boolean(), checksum: fc.boolean() })
  .map(({ raw, level, declared, checksum }) => ({
    raw,
    frame: zstdCompressSync(raw, {
      params: {
        [constants.ZSTD_c_compressionLevel]: level,
        [constants.ZSTD_c_windowLog]: 17,
        [constants.ZSTD_c_contentSizeFlag]: declared ? 1 : 0,
        [constants.ZSTD_c_checksumFlag]: checksum ? 1 : 0,
      },
    }),
  }));

describe('blocks that share a context', () => {
  it('come out as they went in, and stay as they are while others are read', () => {
    fc.assert(
      fc.property(fc.array(frames, { minLength: 1, maxLength: 12 }), (all) => {
        const { blocks, isWhole } = readAll(Buffer.concat(all.map(({ frame }) => frame)));
        expect(isWhole).toBe(true);
        expect(blocks.map((block) => Uint8Array.from(block))).toEqual(all.map(({ raw }) => raw));
      }),
      { numRuns: 60 },
    );
  });

  it('are never read where a decoder of their own refuses them, nor otherwise than it reads them', () => {
    fc.assert(
      fc.property(
        frames,
        frames,
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1 }),
        (one, two, edits) => {
          const frame = Uint8Array.from(two.frame);
          for (const [at, value] of edits.slice(0, 3)) frame[at % frame.length] = value;
          // An edited frame may reach into the one behind it, so each block is held against the frame it was read from.
          const { blocks, frames } = readAll(Buffer.concat([one.frame, frame, one.frame]));
          expect(Uint8Array.from(blocks[0]!)).toEqual(one.raw);
          for (const [at, from] of frames.entries())
            expect(Uint8Array.from(blocks[at]!)).toEqual(oracle(from));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('are as long as their own headers say, whatever lies behind them', () => {
    const inner = zstdCompressSync('inner');
    const header = (length: number, last: boolean) => [(length << 3) | (last ? 1 : 0), length >> 5, 0];
    const outer = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0x38, ...header(inner.length, true));
    const { blocks, frames } = readAll(Buffer.concat([outer, inner, inner]));
    expect(blocks.map((block) => Buffer.from(block).toString())).toEqual([inner.toString(), 'inner']);
    expect(blocks.map((block) => Uint8Array.from(block))).toEqual(frames.map(oracle));
  });

  it('of 4 MiB are read, with a byte more they are refused, declared or not', () => {
    for (const declared of [0, 1]) {
      const params = { [constants.ZSTD_c_contentSizeFlag]: declared, [constants.ZSTD_c_windowLog]: 20 };
      const most = zstdCompressSync(new Uint8Array(BLOCK_MAX), { params });
      expect(readAll(Buffer.concat([most, most])).blocks.map(({ length }) => length)).toEqual([
        BLOCK_MAX,
        BLOCK_MAX,
      ]);
      const more = zstdCompressSync(new Uint8Array(BLOCK_MAX + 1), { params });
      expect(readAll(more)).toEqual({ blocks: [], frames: [], isWhole: false });
    }
  });
});
