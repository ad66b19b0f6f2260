import type { CustodyError } from '#core/errors.ts';
import type { DeviceLogin } from '#core/identity/device-login.ts';
import { printable } from '#core/printable.ts';

const WORDS_MAX = 1_000;

/** The gateway's own words. What to do next stands at their end: they are not cut where a stranger's would be. */
export function printableWords(text: string): string {
  return printable(text, WORDS_MAX);
}

/** For a person at a terminal: what is wrong, and what to do next. */
export function wordsOf({ message, hint }: Pick<CustodyError, 'message' | 'hint'>): string {
  const said = `custody: ${printableWords(message)}\r\n`;
  return hint === undefined ? said : `${said}custody: ${printableWords(hint)}\r\n`;
}

/** In one line, for the end of a connection. */
export function lineOf({ message, hint }: Pick<CustodyError, 'message' | 'hint'>): string {
  return printableWords(hint === undefined ? message : `${message}; ${hint}`);
}

export function confirmWords({ url, code }: DeviceLogin): string {
  return [
    'custody: to log in, open this address in a browser:',
    '',
    `    ${url}`,
    '',
    `and compare the code: ${code}`,
    'Confirm only what you have just begun yourself. This connection waits.',
    '',
  ].join('\r\n');
}
