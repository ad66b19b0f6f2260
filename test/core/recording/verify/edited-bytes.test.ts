import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Files, segmentFile, sha256 } from '#test/support/evidence-builder.ts';
import { check, finding, good } from '#test/support/evidence-checks.ts';

describe('an edited byte', () => {
  const files = good();
  const flip = (name: string, bit: number): Files => {
    const copy = Buffer.from(files.get(name)!);
    copy[bit >> 3]! ^= 1 << (bit & 7);
    return new Map(files).set(name, copy);
  };

  test.each([...files.keys()])('in %s is found at every offset', async (name) => {
    for (let offset = 0; offset < files.get(name)!.length; offset++) {
      const bit = offset * 8 + (offset % 8);
      expect((await check(flip(name, bit))).verdict, `bit ${bit} of ${name}`).toBe('failed');
    }
  });

  test('is found whichever single bit of whichever file it is', async () => {
    const anyBit = fc
      .constantFrom(...files.keys())
      .chain((name) => fc.tuple(fc.constant(name), fc.nat({ max: files.get(name)!.length * 8 - 1 })));
    const property = fc.asyncProperty(anyBit, async ([name, bit]) => {
      expect((await check(flip(name, bit))).verdict).toBe('failed');
    });
    await fc.assert(property, { numRuns: 400 });
  });

  test('in the content is named with both hashes', async () => {
    const altered = flip(segmentFile(1), 8 * 20);
    const content = altered.get(segmentFile(1))!.subarray(0, -512);
    const said = sha256(files.get(segmentFile(1))!.subarray(0, -512));
    expect(finding(await check(altered), 'content-hash-mismatch')).toEqual({
      code: 'content-hash-mismatch',
      object: '00000001.seg',
      message: `the content of 00000001.seg has SHA-256 ${sha256(content)}, but its head says ${said}`,
    });
  });
});
