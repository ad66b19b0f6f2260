import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = new URL('..', import.meta.url).pathname;
/** What of them SSH has to defend by itself, each in tests of its own: those of another protocol say nothing of it. */
const OF_SSH = [1, 2, 3, 4, 8, 9, 10, 15, 16, 17, 18];
/** The same of Kubernetes. */
const OF_KUBERNETES = [3, 4, 7, 8, 9, 13, 14, 16, 17, 18];
/** And of the console: what a browser is told, keeps, shows and leads to. */
const OF_CONSOLE = [12, 13, 15, 18, 19, 21, 22];
const CASES = /\bsecurity cases? (\d+(?:(?:, | and )\d+)*)/gi;

const rows = readFileSync(join(ROOT, 'SECURITY.md'), 'utf8').matchAll(/^\| (\d+) \| (.+) \| (.+) \|$/gm);
const listed = new Map([...rows].map(([, number, , where]) => [Number(number), where!]));

/** The numbers that the tests of these files name, each with a file that names it. */
function named(of = /./): Map<number, string> {
  const found = new Map<number, string>();
  for (const name of readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts') || name === 'security-cases.test.ts' || !of.test(name)) continue;
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

  it('are all named by a test', () => {
    const tests = named();
    expect([...listed.keys()].filter((number) => !tests.has(number))).toEqual([]);
  });

  it('are named by tests of SSH where SSH has a defence of its own', () => {
    const tests = named(/ssh/);
    expect(OF_SSH.filter((number) => !tests.has(number))).toEqual([]);
  });

  it('are named by tests of Kubernetes where Kubernetes has a defence of its own', () => {
    const tests = named(/kubernetes/);
    expect(OF_KUBERNETES.filter((number) => !tests.has(number))).toEqual([]);
  });

  it('are named by tests of the console where the console has a defence of its own', () => {
    const tests = named(/^console\//);
    expect(OF_CONSOLE.filter((number) => !tests.has(number))).toEqual([]);
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
