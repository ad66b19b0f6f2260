import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { newSessionId } from '#core/recording/session-id.ts';

const random = fc.uint8Array({ minLength: 10, maxLength: 16 });
const time = fc.integer({ min: 0, max: 2 ** 48 - 1 });

describe('newSessionId', () => {
  it('makes the example of RFC 9562 appendix A.6', () => {
    const bytes = Buffer.from('0cc318c4dc0c0c07398f', 'hex');
    expect(newSessionId(0x017f22e279b0, bytes)).toBe('017f22e2-79b0-7cc3-98c4-dc0c0c07398f');
  });

  it('is a UUID of version 7 in lower case, whatever the time and the random bytes', () => {
    fc.assert(
      fc.property(time, random, (ms, bytes) => {
        expect(z.uuidv7().lowercase().safeParse(newSessionId(ms, bytes)).success).toBe(true);
      }),
    );
  });

  it('sorts by time', () => {
    fc.assert(
      fc.property(time, time, random, random, (a, b, first, second) => {
        fc.pre(a < b);
        expect(newSessionId(a, first) < newSessionId(b, second)).toBe(true);
      }),
    );
  });

  it('takes 74 random bits: every other bit makes another id (security case 13)', () => {
    const base = new Uint8Array(10);
    const ids = new Set([newSessionId(0, base)]);
    for (let bit = 0; bit < 80; bit += 1) {
      const flipped = base.with(bit >> 3, 1 << (bit & 7));
      ids.add(newSessionId(0, flipped));
    }
    expect(ids.size).toBe(74 + 1);
  });
});
