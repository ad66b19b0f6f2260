import { zstdCompressSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { readFrames } from '#core/recording/read.ts';
import { encodeContent, encodeFrame, type FrameInput, frame } from '#test/support/evidence-builder.ts';

const trailer = Buffer.concat([Buffer.from('502a4d18f8010000', 'hex'), Buffer.alloc(504)]);
const segmentOf = (content: Uint8Array) => Buffer.concat([content, trailer]);
const blockOf = (...frames: FrameInput[]) => zstdCompressSync(Buffer.concat(frames.map(encodeFrame)));

function read(content: Uint8Array) {
  return [...readFrames(segmentOf(content))];
}

/** What reading `content` is refused with. */
function refusal(content: Uint8Array, whole = false): string {
  try {
    for (const { payload } of readFrames(whole ? content : segmentOf(content)))
      if (payload.length > 1 << 20) return 'a payload beyond the limit';
  } catch (thrown) {
    if (thrown instanceof CustodyError) return `${thrown.code}: ${thrown.message}`;
    throw thrown;
  }
  return 'read';
}

/** A zstd frame of RLE blocks, by RFC 8878: `blocks` times 128 KiB of zeros out of four bytes each. */
function rleFrame(blocks: number, header = '28b52ffd0058'): Buffer {
  const rle = (last: boolean) => {
    const value = ((128 << 10) << 3) | (1 << 1) | (last ? 1 : 0);
    return Buffer.from([value & 0xff, (value >> 8) & 0xff, value >> 16, 0]);
  };
  return Buffer.concat([
    Buffer.from(header, 'hex'),
    ...Array.from({ length: blocks }, (_, index) => rle(index === blocks - 1)),
  ]);
}

describe('frames that are well formed', () => {
  test('come out as they went in, across blocks', () => {
    const anyFrames = fc.array(
      fc.record({
        stream: fc.nat({ max: 3 }),
        flags: fc.constantFrom(0, 1),
        delta: fc.nat({ max: 1_000_000 }),
        payload: fc.uint8Array({ maxLength: 300 }),
      }),
      { minLength: 1, maxLength: 8 },
    );
    const property = fc.property(fc.array(anyFrames, { minLength: 1, maxLength: 4 }), (blocks) => {
      let timeUs = 0;
      const segment = blocks.map((block) =>
        block.map(({ stream, flags, delta, payload }) => {
          timeUs += delta;
          return { stream, flags, timeUs, payload: flags === 1 ? new Uint8Array(payload.length) : payload };
        }),
      );
      const names = ['client', 'target', 'gateway', 'note'];
      expect(read(encodeContent(segment))).toEqual(
        segment.flat().map(({ stream, flags, timeUs, payload }) => {
          return { stream: names[stream], withheld: flags === 1, timeUs, payload: new Uint8Array(payload) };
        }),
      );
    });
    fc.assert(property, { numRuns: 100 });
  });

  test('of the largest size, filling a block', () => {
    const payload = new Uint8Array(1 << 20).fill(7);
    const frames = read(blockOf(...[1, 2, 3].map((timeUs) => ({ timeUs, payload }))));
    expect(frames.map((one) => one.payload.length)).toEqual([1 << 20, 1 << 20, 1 << 20]);
  });

  test('come before the fault that ends the reading', () => {
    const frames = readFrames(segmentOf(blockOf(frame(5, 'a'), frame(4, 'b'))));
    expect(frames.next().value?.timeUs).toBe(5);
    expect(() => frames.next()).toThrow('has time 4, which is before 5');
  });

  test('must not be older than the segment before', () => {
    expect(() => [...readFrames(segmentOf(blockOf(frame(5, 'a'))), 6)]).toThrow(
      'has time 5, which is before 6',
    );
  });
});

describe('frames that are not', () => {
  const where = 'format-invalid: the frame at byte 0 of block 0';
  test.each([
    [
      'a claimed gigabyte',
      { ...frame(1, 'x'), claimedLength: 1 << 30 },
      `${where} claims 1073741824 bytes, more than 1048576`,
    ],
    [
      'a claimed 4 GiB',
      { ...frame(1, 'x'), claimedLength: 0xffffffff },
      `${where} claims 4294967295 bytes, more than 1048576`,
    ],
    [
      'one byte too few',
      { ...frame(1, 'x'), claimedLength: 2 },
      `${where} claims 2 bytes, but its block holds only 1 more`,
    ],
    ['stream 4', frame(1, 'x', 4), `${where} is of unknown stream 4`],
    ['stream 255', frame(1, 'x', 255), `${where} is of unknown stream 255`],
    ['an unknown flag', { ...frame(1, 'x'), flags: 0x82 }, `${where} has unknown flags 0x82`],
    [
      'a reserved byte',
      { ...frame(1, 'x'), reserved: 0x100 },
      `${where} has bytes other than zero in its reserved field`,
    ],
    [
      'a time no clock shows',
      frame(0xffffffffffffffffn, 'x'),
      `${where} has an impossible time, 18446744073709551615 microseconds`,
    ],
    ['a withheld secret', { ...frame(1, 'hunter2'), flags: 1 }, `${where} is withheld but not all zeros`],
  ])('%s', (_what, input, message) => {
    expect(refusal(blockOf(input))).toBe(message);
  });

  test('a header cut off', () => {
    const block = zstdCompressSync(encodeFrame(frame(1, '')).subarray(0, 15));
    expect(refusal(block)).toBe(`${where} has a header that goes beyond its block`);
  });

  test('a frame that goes on in the next block', () => {
    const bytes = encodeFrame(frame(1, 'hello'));
    const halves = Buffer.concat([
      zstdCompressSync(bytes.subarray(0, 18)),
      zstdCompressSync(bytes.subarray(18)),
    ]);
    expect(refusal(halves)).toBe(`${where} claims 5 bytes, but its block holds only 2 more`);
  });

  test('a block without any', () => {
    expect(refusal(zstdCompressSync(Buffer.alloc(0)))).toBe(
      'format-invalid: block 0 at byte 0 holds no frame',
    );
  });
});

describe('content that is not plain zstd frames (case 21)', () => {
  const good = blockOf(frame(1, 'hello'.repeat(50)));
  const skippable = Buffer.from('502a4d1804000000deadbeef', 'hex');
  const at = `format-invalid: block 1 at byte ${good.length}`;

  test.each([
    [
      'garbage',
      Buffer.from('not zstd at all'),
      'format-invalid: block 0 at byte 0 is not a zstd frame (magic 0x20746f6e)',
    ],
    [
      'a skippable frame',
      skippable,
      'format-invalid: block 0 at byte 0 is a skippable frame (magic 0x184d2a50), which content must not hold',
    ],
    [
      'a skippable frame of another number',
      Buffer.concat([good, Buffer.from('5f2a4d1800000000', 'hex')]),
      `${at} is a skippable frame (magic 0x184d2a5f), which content must not hold`,
    ],
    [
      'a trailer inside',
      Buffer.concat([good, trailer, good]),
      `${at} is a skippable frame (magic 0x184d2a50), which content must not hold`,
    ],
    [
      'three bytes at the end',
      Buffer.concat([good, Buffer.from('abc')]),
      `${at} is cut off: the content ends at byte ${good.length + 3}`,
    ],
    [
      'a block cut off',
      Buffer.concat([good, good.subarray(0, -1)]),
      `${at} is cut off: the content ends at byte ${2 * good.length - 1}`,
    ],
    [
      'a dictionary',
      Buffer.from('28b52ffd2300000000', 'hex'),
      'format-invalid: block 0 at byte 0 uses a dictionary',
    ],
    [
      'a reserved header bit',
      Buffer.from('28b52ffd28000000', 'hex'),
      'format-invalid: block 0 at byte 0 sets a reserved bit of the zstd frame header',
    ],
    [
      'a reserved block type',
      Buffer.from('28b52ffd2000070000', 'hex'),
      'format-invalid: block 0 at byte 0 holds a zstd block of the reserved type',
    ],
    [
      'a window of 2 GiB',
      rleFrame(1, '28b52ffd00a8'),
      'format-invalid: block 0 at byte 0 asks for a window of 2147483648 bytes',
    ],
    [
      'a declared TiB',
      Buffer.from('28b52ffde00000000000010000010000', 'hex'),
      'format-invalid: block 0 at byte 0 declares 1099511627776 decompressed bytes, more than 4194304',
    ],
    [
      'a declared 4 MiB and one',
      zstdCompressSync(new Uint8Array((4 << 20) + 1)),
      'format-invalid: block 0 at byte 0 declares 4194305 decompressed bytes, more than 4194304',
    ],
    [
      'a declared size that is not the size',
      Buffer.from('28b52ffd20ff010000', 'hex'),
      'format-invalid: block 0 at byte 0 is damaged: zstd says ZSTD_error_corruption_detected',
    ],
  ])('%s', (_what, content, message) => {
    expect(refusal(content)).toBe(message);
  });

  test('a bomb that declares nothing: 4 KiB that would become 128 MiB', () => {
    const bomb = rleFrame(1024);
    expect(bomb.length).toBeLessThan(4200);
    expect(refusal(bomb)).toBe('format-invalid: block 0 at byte 0 decompresses to more than 4194304 bytes');
  });

  test('a bomb of many lawful blocks: ends at 64 MiB', () => {
    const lawful = blockOf(...[1, 2, 3].map(() => ({ timeUs: 1, payload: new Uint8Array(1 << 20) })));
    const content = Buffer.concat(Array.from({ length: 400 }, () => lawful));
    const message = refusal(content);
    expect(message).toMatch(
      /^format-invalid: block 21 at byte \d+ takes the segment beyond 67108864 decompressed bytes$/,
    );
  });

  test('the largest lawful block is read', () => {
    const payload = new Uint8Array((1 << 20) - 16);
    const frames = read(blockOf(...[1, 2, 3, 4].map((timeUs) => ({ timeUs, payload }))));
    expect(frames).toHaveLength(4);
  });
});

describe('files that are no segments', () => {
  test.each([
    ['nothing', Buffer.alloc(0), 'format-invalid: it is 0 bytes long, less than the 512 of a trailer'],
    ['511 bytes', Buffer.alloc(511), 'format-invalid: it is 511 bytes long, less than the 512 of a trailer'],
    ['no trailer', Buffer.alloc(600), 'format-invalid: its last 512 bytes are not a trailer'],
    [
      'a trailer of another size',
      Buffer.from(trailer).fill(0, 4, 5),
      'format-invalid: its last 512 bytes are not a trailer',
    ],
  ])('%s', (_what, bytes, message) => {
    expect(refusal(bytes, true)).toBe(message);
  });
});

test('any bytes are read or refused with format-invalid, never anything else', () => {
  const seed = encodeContent([[frame(1, 'select 1'), frame(2, 'row', 1)], [frame(3, 'bye')]]);
  const mutated = fc
    .array(fc.tuple(fc.nat({ max: seed.length - 1 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 6 })
    .map((edits) => {
      const copy = Buffer.from(seed);
      for (const [offset, value] of edits) copy[offset] = value;
      return copy;
    });
  const raw = fc.uint8Array({ maxLength: 200 }).map((bytes) => zstdCompressSync(bytes));
  const property = fc.property(fc.oneof(fc.uint8Array({ maxLength: 600 }), mutated, raw), (content) => {
    expect(refusal(content)).toMatch(/^(read$|format-invalid: )/);
  });
  fc.assert(property, { numRuns: 1000 });
});
