import { CustodyError } from '#core/errors.ts';

const SHOWN_MAX = 60;

/** What the client is told of what does not pass: clipped, and nothing in it that a terminal would obey. */
export function notApproved(what: string, why: string): CustodyError {
  return new CustodyError('not-approved', `${what} does not run: ${why}`, {
    hint: 'the session ends; ask for these commands: custody request --statement "…"',
  });
}

/** A client's text for the eyes of people. */
export function shown(text: string): string {
  return text.slice(0, SHOWN_MAX).replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, '?');
}
