import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { shellWord } from '#core/replay/shell-word.ts';

const WORDS = [
  'plain',
  'a=b',
  '',
  ' ',
  "it's",
  "'",
  '$HOME',
  '`id`',
  '"',
  '\\',
  'a\nb',
  '*',
  '~',
  '#',
  '!x',
  'é',
  '-c',
];

test('a shell reads each word as it was, whatever is in it', () => {
  const line = `printf '%s\\0' ${WORDS.map(shellWord).join(' ')}`;
  expect(execFileSync('sh', ['-c', line]).toString()).toBe(WORDS.map((word) => `${word}\0`).join(''));
});

test('what needs no quotes has none', () => {
  expect(['psql', 'orders-db', 'a=b', '/x/y.z', 'me@host:22', '50%,+'].map(shellWord).join(' ')).toBe(
    'psql orders-db a=b /x/y.z me@host:22 50%,+',
  );
});
