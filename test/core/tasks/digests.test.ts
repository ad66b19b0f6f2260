import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RunDigests } from '#core/tasks/digests.ts';

test('digests are HMAC-SHA-256 as node has it, however long a value is', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.integer({ min: 0, max: 9000 }).map((n) => 'é'.repeat(n)),
  );
  const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(
    fc.property(key, text, text, (bytes, one, other) => {
      const digests = new RunDigests(bytes);
      const mac = (said: string): string => createHmac('sha256', bytes).update(said).digest('hex');
      expect(digests.ofValue(one, 'text')).toBe(mac(`t:${one}`).slice(0, 32));
      expect(digests.ofRow([other])).toBe(mac(`row:${other}`));
    }),
  );
});
