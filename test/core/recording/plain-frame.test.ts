import { zstdDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { BlockCompressor } from '#core/recording/block-compressor.ts';
import { PLAIN_HEADER_BYTES, PLAIN_MAX_BYTES, writePlainFrame } from '#core/recording/plain-frame.ts';

describe('a plain frame', () => {
  it('is a zstd frame of each length it may have, and nine bytes longer', () => {
    for (let length = 1; length <= PLAIN_MAX_BYTES; length += 1) {
      const raw = crypto.getRandomValues(Buffer.alloc(length));
      const output = Buffer.alloc(PLAIN_HEADER_BYTES + PLAIN_MAX_BYTES, 0xff);
      expect(writePlainFrame(raw, output)).toBe(length + PLAIN_HEADER_BYTES);
      expect(zstdDecompressSync(output.subarray(0, length + PLAIN_HEADER_BYTES)).equals(raw)).toBe(true);
    }
  });

  it('is what a compressor makes of the little, and of nothing else', () => {
    const compressor = new BlockCompressor();
    const lengths = [PLAIN_MAX_BYTES, PLAIN_MAX_BYTES + 1].map(
      (length) => compressor.compress(new Uint8Array(length)).byteLength,
    );
    expect(lengths[0]).toBe(PLAIN_MAX_BYTES + PLAIN_HEADER_BYTES);
    expect(lengths[1]).toBeLessThan(40);
  });
});
