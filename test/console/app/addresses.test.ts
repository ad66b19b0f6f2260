import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isPage, PAGE_ROOTS } from '../../../console/build/addresses.ts';

const pages = readFileSync(new URL('../../../console/app/pages.ts', import.meta.url), 'utf8');
const paths = [...pages.matchAll(/path: '([^']+)'/g)].map(([, path]) => path!);

test('every page of the console is served, and nothing is that no page stands behind', () => {
  expect(paths.length).toBeGreaterThan(5);
  const roots = new Set([...paths.map((path) => path.split('/')[1]), 'callback']);
  expect(roots).toEqual(new Set<string>(PAGE_ROOTS));
  for (const path of paths)
    expect(isPage(path.replace(':id', '019aaf3e-6d1c-7a61-9f43-0b9a7c1d2e3f'))).toBe(true);
  expect(isPage('/')).toBe(true);
});

test.each([
  '/v1/sessions',
  '/objects/sessions/x',
  '/assets/main.js',
  '/sessions/..',
  '/sessions//x',
  '/x',
  '/requests/%2e',
])('%s is no page', (path) => {
  expect(isPage(path)).toBe(false);
});
