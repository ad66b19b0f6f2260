import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = new URL('..', import.meta.url).pathname;
/** Parts that Custody does not have yet: nothing there to defend, and SECURITY.md says so. */
const TO_COME = new Set([4, 8]);
const CASES = /\bsecurity cases? (\d+(?:(?:, | and )\d+)*)/gi;

const rows = readFileSync(join(ROOT, 'SECURITY.md'), 'utf8').matchAll(/^\| (\d+) \| (.+) \| (.+) \|$/gm);
const listed = new Map([...rows].map(([, number, , where]) => [Number(number), where!]));

/** The numbers that the tests name, each with a file that names it. */
function named(): Map<number, string> {
  const found = new Map<number, string>();
  for (const name of readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts') || name === 'security-cases.test.ts') continue;
    for (const [, numbers] of readFileSync(join(ROOT, 'test', name), 'utf8').matchAll(CASES)) {
      for (const number of numbers!.match(/\d+/g)!) found.set(Number(number), name);
    }
  }
  return found;
}

describe('the security cases of SECURITY.md', () => {
  it('are all that tests name', () => {
    expect([...named()].filter(([number]) => !listed.has(number))).toEqual([]);
  });

  it('are all named by a test, or of a part that is to come', () => {
    const tests = named();
    expect([...listed.keys()].filter((number) => !tests.has(number) && !TO_COME.has(number))).toEqual([]);
  });

  it('say where they are defended, in files that are there', () => {
    expect(listed.size).toBeGreaterThanOrEqual(24);
    for (const [number, where] of listed) {
      for (const [, path] of where.matchAll(/`([^`]*\/[^`]*)`/g)) {
        expect(existsSync(join(ROOT, path!)), `case ${number}: ${path}`).toBe(true);
      }
    }
  });
});
