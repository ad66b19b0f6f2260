import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { howTo } from '../../../console/proof/how-to.ts';

const SESSION = '019aaf3e-0000-7000-8000-000000000001';

/** What a shell makes of the line that begins so. */
function wordsOf(text: string, begin: string): string[] {
  const line = text.split('\n').find((one) => one.startsWith(begin))!;
  return execFileSync('sh', ['-c', `set -- ${line}; printf '%s\\n' "$@"`], { encoding: 'utf8' })
    .trimEnd()
    .split('\n');
}

test('lines that are copied hold names as they are', () => {
  const text = howTo(SESSION, 'custody.local/ledger');
  expect(text).toContain(
    `custody verify evidence-${SESSION} --key trusted.pem --origin custody.local/ledger\n`,
  );
  expect(text).toContain(`cd evidence-${SESSION}\n`);
});

test('a name of the gateway’s, or of an address, never is a command (security case 18)', () => {
  const [ledger, session] = ["x; touch '/tmp/owned' $(id) `id`", 'a b;id'];
  const text = howTo(session, ledger);
  expect(wordsOf(text, 'custody verify ').at(-1)).toBe(session);
  expect(wordsOf(text, "custody verify 'evidence").at(-1)).toBe(ledger);
  expect(wordsOf(text, 'tar -xf ').at(-1)).toBe(`evidence-${session}.tar`);
  expect(wordsOf(text, 'cd ').at(-1)).toBe(`evidence-${session}`);
});
