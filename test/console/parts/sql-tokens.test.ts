import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { COLOURED_MAX, sqlTokens } from '../../../console/parts/sql-tokens.ts';

function coloured(text: string): string[] {
  return sqlTokens(text)
    .filter(({ kind }) => kind !== 'plain')
    .map(({ kind, text: piece }) => `${kind} ${piece}`);
}

describe('pieces of SQL', () => {
  test.each<[what: string, sql: string, pieces: string[]]>([
    [
      'a query',
      'SELECT id from t WHERE n = 7',
      ['keyword SELECT', 'keyword from', 'keyword WHERE', 'number 7'],
    ],
    ['a text with quotes in it', "VALUES ('it''s')", ['keyword VALUES', "string 'it''s'"]],
    ['an escaped text', String.raw`E'\' -- no comment'`, [String.raw`string E'\' -- no comment'`]],
    ['dollar quotes', '$f$ SELECT $1 $f$ $2', ['string $f$ SELECT $1 $f$', 'parameter $2']],
    ['comments', '-- SELECT\n1 /* x */', ['comment -- SELECT', 'number 1', 'comment /* x */']],
    ['a name in quotes that is a keyword', '"select" selected', []],
    ['a number within a name', 'o2 1.5e3', ['number 1.5e3']],
    ['a text that never ends', "'open", ["string 'open"]],
  ])('%s', (_, sql, pieces) => {
    expect(coloured(sql)).toEqual(pieces);
  });

  test('are the text, whatever it is', () => {
    const bits = fc.constantFrom("'", '"', '$', '$a$', '--', '/*', '*/', '\n', '\\', 'SELECT', '7', 'é', ' ');
    const anyText = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(bits).map((all) => all.join('')),
    );
    fc.assert(
      fc.property(anyText, (text) => {
        expect(
          sqlTokens(text)
            .map((token) => token.text)
            .join(''),
        ).toBe(text);
      }),
      { numRuns: 30 },
    );
  });

  test('of a long text end where nobody reads by colours any more', () => {
    const text = 'SELECT '.repeat(200_000);
    const tokens = sqlTokens(text);
    expect(tokens.length).toBeLessThan(COLOURED_MAX);
    expect(tokens.map((token) => token.text).join('')).toBe(text);
  });
});
