import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { LocalAnalyst } from '#core/protocols/postgres/shapes/analyse.ts';
import { CommandReader } from '#core/protocols/postgres/shapes/commands.ts';
import { Parser } from '#core/protocols/postgres/shapes/parser.ts';
import { skeletonOf } from '#core/protocols/postgres/shapes/skeleton.ts';
import { seenIn } from './support.ts';

/** What is between two tokens, and what may hide one. */
const space = fc.constantFrom(
  ' ',
  ' ',
  ' ',
  '\n',
  '\t',
  '',
  '/* c */',
  "/*'*/",
  '/* /* n */ */',
  '-- c\n',
  "--'\n",
  '\u00a0',
  '\v',
);
const literal = fc.oneof(
  fc.constantFrom(
    '0',
    '1',
    '-1',
    '- 2',
    '007',
    '000',
    '0002147483647',
    '0002147483648',
    '00.50',
    '2147483647',
    '2147483648',
    '9223372036854775808',
    '1.5',
    '.5',
    '1.',
    '1e5',
    '0x1F',
    '1_0',
  ),
  fc.constantFrom(
    "''",
    "'a'",
    "'it''s'",
    "''''",
    "'a\\'",
    "E'\\''",
    "e'x'",
    "B'1'",
    "x'f'",
    "N'n'",
    "U&'\\0061'",
    '$$a$$',
    "$q$'$q$",
  ),
  fc.constantFrom(
    "'--'",
    "'/*'",
    "'*/'",
    "'\"'",
    "'$1'",
    "'é'",
    "'𝄞'",
    "'a'\n'b'",
    "''\n''",
    "'a' 'b'",
    "DATE '2026-11-29'",
    "'1'::int",
  ),
  fc.constantFrom(
    'true',
    'NULL',
    '$1',
    '(1)',
    '-(1)',
    '- -1',
    'ARRAY[1,2]',
    "ARRAY['a']",
    "INTERVAL '1' DAY",
    'a.b',
    '"q""x"',
    'U&"\\0061"',
    'é',
  ),
  fc.nat(3_000_000_000).map(String),
  fc
    .string({ unit: fc.constantFrom("'", "''", '\\', '-', '/', '*', 'a', '\n', '"', '$', '1') })
    .map((text) => `'${text}'`),
);
const word = fc.constantFrom(
  'a',
  't',
  'x1',
  '+',
  '-',
  '||',
  '=',
  '<>',
  ',',
  '::text',
  '::varchar(3)',
  'AND',
  'IN',
  '(',
  ')',
  '[1]',
  '.',
  '@-',
  '%',
  '&',
  'e',
  'n',
  ';',
);

const statement = fc.oneof(
  fc
    .tuple(literal, literal, literal)
    .map(([a, b, c]) => ['UPDATE t SET a =', a, 'WHERE b =', b, 'AND c = ', c]),
  fc
    .tuple(fc.array(literal, { minLength: 1, maxLength: 4 }), literal)
    .map(([list, b]) => ['SELECT a FROM t WHERE b IN (', ...list.join(' , ').split(' '), ') AND c =', b]),
  fc.tuple(literal, literal).map(([a, b]) => ['SELECT', a, 'ORDER BY', b, 'LIMIT', a]),
  fc.tuple(literal, word, literal).map(([a, w, b]) => ['SELECT', a, w, b, 'FROM t GROUP BY 1']),
  fc.array(fc.oneof(literal, word), { maxLength: 8 }).map((parts) => ['SELECT', ...parts]),
);
const texts = fc
  .tuple(statement, fc.array(space, { minLength: 12, maxLength: 12 }))
  .map(([parts, spaces]) => parts.map((part, at) => part + (spaces[at] ?? ' ')).join(''));
/** Texts that are one skeleton, or nearly: the same pieces with other literals. */
const families = fc.array(texts, { minLength: 2, maxLength: 6 });

/** Often of the same skeleton. */
function varied(text: string): string {
  return text.replace(/[1-8]/g, (digit) => String(Number(digit) + 1)).replaceAll("'a", "'b");
}

describe('skeletons', () => {
  let parser: Parser;
  let remembering: CommandReader;
  beforeAll(async () => {
    parser = await Parser.load();
    remembering = new CommandReader(new LocalAnalyst(parser));
  });

  it('give what the parser gives, whatever was seen before', () => {
    fc.assert(
      fc.property(families, (family) => {
        for (const text of family.flatMap((one) => [one, one, varied(one)])) {
          const fresh = new CommandReader(new LocalAnalyst(parser));
          expect(seenIn(remembering, text), text).toEqual(seenIn(fresh, text));
        }
      }),
      { numRuns: Number(process.env['CUSTODY_SHAPES_RUNS'] ?? 200) },
    );
  });

  it('are used for plain texts', () => {
    let asked = 0;
    const local = new LocalAnalyst(parser);
    const reader = new CommandReader({
      analyse: (text) => {
        asked += 1;
        return local.analyse(text);
      },
    });
    for (let value = 1; value < 50; value += 1)
      seenIn(
        reader,
        `UPDATE t SET a = a - ${value}, b = '${value}''s' WHERE c = ${-value}::bigint /* ${value} */ AND d IN (${value}, 2)`,
      );
    expect(asked).toBe(1);
    for (let value = 1; value < 5; value += 1) seenIn(reader, `SELECT a, ${value} FROM t ORDER BY 1`);
    expect(asked).toBe(2);
    for (let value = 1; value < 50; value += 1)
      seenIn(reader, `SELECT a FROM t WHERE b = ${String(value).padStart(12, '0')}`);
    expect(asked).toBe(3);
  });

  it.each([
    "E'a'",
    "B'1'",
    "u&'a'",
    '1e5',
    '1a',
    '0x1',
    '.5',
    '1.',
    '$$',
    '$a',
    "'\\'",
    "'a",
    '"a',
    '/* ',
    '/* /* */ */',
    '-- ',
    "'a'\n'b'",
    '\u0001',
    '"\u0004"',
    '9'.repeat(19),
  ])('are not of %j', (part) => {
    expect(skeletonOf(`SELECT ${part}`)).toBeUndefined();
  });
});
