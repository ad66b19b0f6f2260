import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HEAD_BYTES, headSchema } from '#core/recording/format.ts';
import { headBytes, headText } from '#core/recording/trailer.ts';

const hex = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString('hex'));
const count = fc.maxSafeNat();
const head = fc.record({
  type: fc.constant('custody/head/1' as const),
  session: fc.uuid({ version: 7 }),
  segment: count,
  frames: count,
  bytes: count,
  content: count,
  sha256: hex,
  previous: hex,
  until: count,
});

describe('the text of a head', () => {
  it('is JSON of it in the order of FORMAT.md, filled up with spaces, and one line', () => {
    fc.assert(
      fc.property(head, (given) => {
        const text = headText(given);
        expect(text).toHaveLength(HEAD_BYTES);
        expect(text.trimEnd()).toBe(JSON.stringify(given));
        expect(text).toMatch(/^[^\n]+\} *\n$/);
        expect(headSchema.parse(JSON.parse(text))).toEqual(given);
        expect(headBytes(given).toString()).toBe(text);
      }),
    );
  });
});
