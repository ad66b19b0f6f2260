import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MessageBoundary } from '#core/protocols/postgres/boundary.ts';
import { int32 } from '#core/protocols/postgres/wire.ts';
import { anyMessages, anySizes, cut, encoded } from './support.ts';

/** What stands at `at` bytes of the messages: found the slow way. */
function expectedAt(messages: readonly { type: number; body: Uint8Array }[], at: number) {
  let left = at;
  let lastType = 0;
  for (const { type, body } of messages) {
    if (left === 0) break;
    lastType = type;
    if (left < 5) return { lastType, atBoundary: false, remaining: 5 - left, broken: false };
    const missing = 5 + body.length - left;
    if (missing > 0) return { lastType, atBoundary: false, remaining: missing, broken: false };
    left = -missing;
  }
  return { lastType, atBoundary: true, remaining: 0, broken: false };
}

function stateOf(boundary: MessageBoundary) {
  const { lastType, atBoundary, remaining, broken } = boundary;
  return { lastType, atBoundary, remaining, broken };
}

describe('MessageBoundary', () => {
  test('knows where it stands after every chunk, wherever they are cut', () => {
    fc.assert(
      fc.property(anyMessages, anySizes, (messages, sizes) => {
        const boundary = new MessageBoundary();
        let at = 0;
        for (const chunk of cut(encoded(messages), sizes)) {
          const roomy = new Uint8Array(chunk.length + 9).fill(0x51);
          roomy.set(chunk);
          boundary.advance(roomy, chunk.length);
          at += chunk.length;
          expect(stateOf(boundary)).toEqual(expectedAt(messages, at));
        }
      }),
    );
  });

  test('steps over a body of many chunks', () => {
    const boundary = new MessageBoundary();
    boundary.advance(Uint8Array.of(0x64, ...int32(0x7fffffff)), 5);
    const chunk = new Uint8Array(1 << 20);
    for (let left = 0x7fffffff - 4; left > 0; left -= chunk.length) {
      expect(stateOf(boundary)).toEqual({
        lastType: 0x64,
        atBoundary: false,
        remaining: left,
        broken: false,
      });
      boundary.advance(chunk, Math.min(left, chunk.length));
    }
    expect(boundary.atBoundary).toBe(true);
  });

  test.each([0, 3, -1, -0x80000000])('a length of %i breaks it for good, at every cut', (length) => {
    const bytes = Buffer.concat([
      encoded([{ type: 0x51, body: new Uint8Array(3) }]),
      Uint8Array.of(0x58, ...int32(length)),
      encoded([{ type: 0x53, body: new Uint8Array(0) }]),
    ]);
    for (let size = 1; size <= bytes.length; size++) {
      const boundary = new MessageBoundary();
      for (const chunk of cut(bytes, [size])) boundary.advance(chunk, chunk.length);
      expect(stateOf(boundary)).toEqual({ lastType: 0x58, atBoundary: false, remaining: 0, broken: true });
    }
  });

  test('any bytes at all end in a state, the same for every cut', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), anySizes, (bytes, sizes) => {
        const whole = new MessageBoundary();
        whole.advance(bytes, bytes.length);
        const pieces = new MessageBoundary();
        for (const chunk of cut(bytes, sizes)) pieces.advance(chunk, chunk.length);
        expect(stateOf(pieces)).toEqual(stateOf(whole));
      }),
    );
  });
});
