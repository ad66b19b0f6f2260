import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fits } from '#core/access/patterns.ts';

describe('fits', () => {
  it.each([
    ['main', 'main'],
    ['acme/*', 'acme/shop'],
    ['acme/*', 'acme/'],
    ['refs/heads/release-*', 'refs/heads/release-2.1'],
    ['refs/**', 'refs/heads/feature/x'],
    ['repo:acme/*:ref:refs/heads/main', 'repo:acme/shop:ref:refs/heads/main'],
    ['**@acme.example', 'dana@acme.example'],
    ['***', 'a/b'],
    ['*', ''],
    ['**', 'a\nb'],
    ['', ''],
    ['a.c', 'a.c'],
  ])('%j takes %j', (pattern, text) => expect(fits(pattern, text)).toBe(true));

  it.each([
    ['main', 'main2'],
    ['main', 'xmain'],
    ['main', 'Main'],
    ['main', 'ma\u0131n'],
    ['main', 'main\n'],
    ['acme/*', 'acme/shop/x'],
    ['acme/*', 'acme:shop'],
    ['acme/*', 'evil/acme/shop'],
    ['refs/heads/*', 'refs/heads/main/x'],
    ['repo:acme/*:ref:refs/heads/main', 'repo:acme/shop:pull_request'],
    ['repo:acme/*:ref:refs/heads/main', 'repo:acme/shop:environment:x:ref:refs/heads/main'],
    ['a.c', 'abc'],
    ['[ab]', 'a'],
    ['a?', 'ab'],
    ['', 'a'],
    ['\\*', '*'],
  ])('%j does not take %j', (pattern, text) => expect(fits(pattern, text)).toBe(false));

  it('says of any text what a regular expression of the same meaning says', () => {
    const letters = (...of: string[]) => fc.string({ unit: fc.constantFrom(...of), maxLength: 12 });
    const patterns = letters('a', 'b', '/', ':', '*', '**', '.', '\n');
    fc.assert(
      fc.property(patterns, letters('a', 'b', '/', ':', '.', '\n'), (pattern, text) => {
        expect(fits(pattern, text)).toBe(asRegExp(pattern).test(text));
      }),
      { numRuns: 5_000 },
    );
  });

  it('takes every text that is written as a pattern, and it alone', () => {
    const plain = fc.string({ unit: 'binary' }).filter((text) => !text.includes('*'));
    fc.assert(
      fc.property(plain, plain, (pattern, text) => {
        expect(fits(pattern, pattern)).toBe(true);
        expect(fits(pattern, text)).toBe(pattern === text);
      }),
    );
  });

  /** Every place is looked at once for every piece: a backtracking engine would not end here. */
  it('ends for patterns made to last', () => {
    const text = 'a'.repeat(512);
    for (const piece of ['*a', '**a', 'a*', '*aa*a']) expect(fits(`${piece.repeat(100)}b`, text)).toBe(false);
  });
});

function asRegExp(pattern: string): RegExp {
  const source = pattern.replaceAll(/\*\*|\*|[^*]/g, (piece) => {
    if (piece === '**') return '[^]*';
    return piece === '*' ? '[^/:]*' : piece.replace(/[.\\]/, '\\$&');
  });
  return new RegExp(`^(?:${source})$(?![^])`);
}
