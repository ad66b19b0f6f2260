import { zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlockCompressor } from '#core/recording/block-compressor.ts';
import { readBlocks } from '#core/recording/read-blocks.ts';

describe('BlockCompressor', () => {
  it('makes one zstd frame with its size declared of every block, whatever came before', () => {
    const compressor = new BlockCompressor();
    const block = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 2_000 }),
      fc
        .record({ byte: fc.nat(255), length: fc.constantFrom(1, 255, 256, 65_791, 65_792, 300_000, 4 << 20) })
        .map(({ byte, length }) => new Uint8Array(length).fill(byte)),
    );
    fc.assert(
      fc.property(fc.array(block, { minLength: 1, maxLength: 6 }), (blocks) => {
        for (const raw of blocks) {
          const compressed = Buffer.from(compressor.compress(raw));
          // Frame_Content_Size_flag or Single_Segment_flag (RFC 8878 section 3.1.1.1.1): the size is declared.
          expect(compressed[4]! & 0b1110_0000).not.toBe(0);
          const [block] = readBlocks(compressed);
          expect(block?.bytes.length).toBe(raw.length);
          expect(zstdDecompressSync(compressed).equals(raw)).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('has room for what cannot be compressed', () => {
    const compressor = new BlockCompressor();
    for (const length of [1, 200_000, 4 << 20]) {
      const raw = crypto.getRandomValues(new Uint8Array(Math.min(length, 65_536)));
      const noise = Buffer.concat(Array.from({ length: Math.ceil(length / raw.length) }, () => raw)).map(
        (byte, i) => byte ^ ((i * 2_654_435_761) >>> 24),
      );
      expect(zstdDecompressSync(compressor.compress(noise)).equals(noise)).toBe(true);
    }
  });
});
