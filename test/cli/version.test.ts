import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { custody } from './support.ts';

test('custody --version says the version of its package, and nothing else', async () => {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(text) as { version: string };
  expect(await custody(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
});
