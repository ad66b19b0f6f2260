import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MessageReader, type WireMessage } from '#core/protocols/postgres/messages.ts';
import { int32, message } from '#core/protocols/postgres/wire.ts';
import { anyMessages, anySizes, cut, encoded } from './support.ts';

function readAll(reader: MessageReader, chunks: Iterable<Uint8Array>): WireMessage[] {
  const messages: WireMessage[] = [];
  for (const chunk of chunks) {
    const reused = Uint8Array.from(chunk);
    reader.push(reused);
    for (const found of reader) messages.push(copied(found));
    reused.fill(0xee);
  }
  return messages;
}

function copied(found: WireMessage): WireMessage {
  return found.truncated
    ? { ...found, prefix: Uint8Array.from(found.prefix) }
    : { ...found, body: Uint8Array.from(found.body) };
}

describe('MessageReader', () => {
  test('gives the same messages wherever the chunks are cut', () => {
    fc.assert(
      fc.property(anyMessages, anySizes, fc.integer({ min: 0, max: 320 }), (messages, sizes, maximum) => {
        const reader = new MessageReader(maximum);
        const expected = messages.map(({ type, body }) =>
          body.length > maximum
            ? { type, truncated: true, length: body.length, prefix: body.slice(0, maximum) }
            : { type, truncated: false, length: body.length, body },
        );
        expect(readAll(reader, cut(encoded(messages), sizes))).toEqual(expected);
        expect(reader.incomplete).toBe(false);
      }),
    );
  });

  test('takes several chunks before it is read, and goes on after a broken-off loop', () => {
    const reader = new MessageReader(100);
    for (const byte of encoded([1, 2, 3].map((type) => ({ type, body: Uint8Array.of(type) })))) {
      reader.push(Uint8Array.of(byte));
    }
    for (const found of reader) {
      expect(found.type).toBe(1);
      break;
    }
    expect([...reader].map((found) => found.type)).toEqual([2, 3]);
  });

  test('says that it stands inside a message', () => {
    const reader = new MessageReader(2);
    const bytes = message(0x44, new Uint8Array(9));
    for (let at = 0; at < bytes.length; at++) {
      expect(reader.incomplete).toBe(at > 0);
      reader.push(bytes.subarray(at, at + 1));
      expect([...reader].length).toBe(at === 6 ? 1 : 0);
    }
    expect(reader.incomplete).toBe(false);
  });

  // Security cases 16 and 21: memory grows with what came, never with a claimed length.
  test('a claimed length reserves nothing', () => {
    const reader = new MessageReader(0x7fffffff);
    const header = Uint8Array.of(0x44, ...int32(0x7fffffff));
    const before = process.memoryUsage().arrayBuffers;
    reader.push(header);
    reader.push(new Uint8Array(10));
    expect([...reader]).toEqual([]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
  });

  test('a 100 MB value costs its prefix', () => {
    const reader = new MessageReader(1000);
    const chunk = new Uint8Array(1 << 16).fill(1);
    reader.push(Uint8Array.of(0x44, ...int32(100e6 + 4)));
    const found: WireMessage[] = [];
    const before = process.memoryUsage().arrayBuffers;
    for (let left = 100e6; left > 0; left -= chunk.length) {
      reader.push(chunk.subarray(0, Math.min(left, chunk.length)));
      found.push(...reader);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
    expect(found).toEqual([{ type: 0x44, truncated: true, length: 100e6, prefix: chunk.subarray(0, 1000) }]);
    expect(reader.incomplete).toBe(false);
  });

  test.each([0, 1, 3, -1, -0x80000000, 0x80000000])('refuses the length %i, now and ever after', (length) => {
    const reader = new MessageReader(100);
    reader.push(Uint8Array.of(0x51, ...int32(length)));
    expect(() => reader.next()).not.toThrow(TypeError);
    reader.push(encoded([{ type: 1, body: new Uint8Array(0) }]));
    expect(() => reader.next()).toThrow(expect.objectContaining({ code: 'protocol-violation' }));
    expect(() => reader.next()).toThrow(expect.objectContaining({ code: 'protocol-violation' }));
  });
});
