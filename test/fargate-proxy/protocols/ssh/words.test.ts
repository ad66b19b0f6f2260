import { describe, expect, it } from 'vitest';
import { lineOf, wordsOf } from '#proxy/protocols/ssh/words.ts';

describe('what a client is told', () => {
  const message =
    'the rule developers-work does not let you connect to "web-1" now: ' +
    'the connection did not prove the FIDO key of a registered device of yours, with its PIN or your finger';
  const hint = 'connect with a FIDO key; to register one: custody devices register --fido';

  it('is whole, with what to do next', () => {
    expect(wordsOf({ message, hint })).toBe(`custody: ${message}\r\ncustody: ${hint}\r\n`);
    expect(lineOf({ message, hint })).toBe(`${message}; ${hint}`);
  });

  it('is bounded, and no escape of a terminal', () => {
    expect(lineOf({ message: 'x'.repeat(1000), hint: undefined })).toHaveLength(503);
    expect(lineOf({ message: '\x1b[2J', hint: undefined })).toBe('\\u001b[2J');
  });
});
