import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SegmentContent, SegmentMemory } from '#core/recording/segment-content.ts';

const part = fc.record({ byte: fc.nat(255), length: fc.constantFrom(1, 700, 1024, 5_000, 70_000) });
const content = fc.record({
  expected: fc.constantFrom(0, 100, 80_000),
  parts: fc.array(part, { maxLength: 6 }),
});

describe('SegmentContent', () => {
  it('holds what was appended, also in memory that another content has used', () => {
    fc.assert(
      fc.property(fc.array(content, { maxLength: 5 }), (contents) => {
        const memory = new SegmentMemory();
        for (const { expected, parts } of contents) {
          const held = new SegmentContent(memory, expected);
          const pieces = parts.map(({ byte, length }) => Buffer.alloc(length, byte));
          for (const piece of pieces) held.append(piece);
          const all = Buffer.concat(pieces);
          expect(held.length).toBe(all.length);
          expect(all.equals(held.from(0))).toBe(true);
          const half = all.length >> 1;
          expect(all.subarray(half).equals(held.from(half))).toBe(true);
          held.recycle();
        }
      }),
    );
  });

  it('leaves alone what was read before it grew', () => {
    const memory = new SegmentMemory();
    const held = new SegmentContent(memory, 0);
    held.append(Buffer.alloc(1000, 1));
    const early = held.from(0);
    held.append(Buffer.alloc(100_000, 2));
    new SegmentContent(memory, 1000).append(Buffer.alloc(1000, 3));
    expect(early.every((byte) => byte === 1)).toBe(true);
  });

  it('uses large memory again, and never one piece for two', () => {
    const memory = new SegmentMemory();
    const first = memory.take(100_000);
    memory.give(first);
    const second = memory.take(100_000);
    expect(second).toBe(first);
    expect(memory.take(100_000)).not.toBe(second);
  });

  it('takes spare memory that is up to four times too large rather than new', () => {
    const memory = new SegmentMemory();
    const spare = memory.take(4 << 20);
    memory.give(spare);
    expect(memory.take(300_000) === spare).toBe(false);
    expect(memory.take(1 << 20) === spare).toBe(true);
  });

  it('has what a bulk transfer outgrew for the next one, once nobody reads it any more', () => {
    const memory = new SegmentMemory();
    const held = new SegmentContent(memory, 1 << 20);
    held.append(Buffer.alloc(1 << 20));
    const outgrown = held.from(0).buffer;
    held.append(Buffer.alloc(1 << 20));
    expect(memory.take(1 << 20).buffer === outgrown).toBe(false);
    held.recycle();
    expect(memory.take(1 << 20).buffer === outgrown).toBe(true);
  });

  it('keeps no more than 32 MiB', () => {
    const memory = new SegmentMemory();
    const taken = Array.from({ length: 5 }, () => memory.take(16 << 20));
    for (const buffer of taken) memory.give(buffer);
    const again = Array.from({ length: 5 }, () => memory.take(16 << 20));
    expect(again.filter((buffer) => taken.includes(buffer))).toHaveLength(2);
  });
});
