import { beforeAll, describe, expect, it } from 'vitest';
import type { CommandReader, PreparedStatement, Reading } from '#core/protocols/postgres/shapes/commands.ts';
import { isReadable } from '#core/tasks/seen.ts';
import { commandOf, localReader, PLAIN, seenIn, whyNot, words } from './support.ts';

let reader: CommandReader;
beforeAll(async () => {
  reader = await localReader();
});

const shape = (text: string) => commandOf(reader, text).shape;
const values = (text: string) => commandOf(reader, text).values.map(words);

describe('the shape of a command', () => {
  it.each([
    ['other values', "SELECT a FROM t WHERE b = 1 AND c = 'x'", "SELECT a FROM t WHERE b = 2 AND c = 'y'"],
    ['white space and comments', 'SELECT a FROM t', 'select/* x /* y */ */ a\n\tfrom t -- z'],
    ['how an operator is written', 'SELECT 1 WHERE a <> 2', 'SELECT 1 WHERE a != 2'],
    ['lists of several lengths', 'SELECT 1 WHERE a IN (1)', 'SELECT 1 WHERE a IN (1, 2, 3)'],
    ['arrays of several lengths', 'SELECT ARRAY[1]', 'SELECT ARRAY[1, 2]'],
    ['how a text is quoted', "SELECT 'a'", "SELECT U&'\\0061'"],
    ['how a name is quoted', 'SELECT a FROM t', 'SELECT "a" FROM U&"\\0074"'],
    ['casts of literals', "SELECT DATE '2026-11-29'", "SELECT '2026-11-30'::date"],
  ])('does not depend on %s', (_, one, other) => {
    expect(shape(one)).toBe(shape(other));
  });

  it.each([
    ['the order of columns', 'SELECT a, b FROM t', 'SELECT b, a FROM t'],
    ['the order of conditions', 'SELECT 1 WHERE a AND b', 'SELECT 1 WHERE b AND a'],
    ['columns that are inserted', 'INSERT INTO t (a, b) VALUES (1, 2)', 'INSERT INTO t (b, a) VALUES (1, 2)'],
    ['the number of rows', 'INSERT INTO t VALUES (1)', 'INSERT INTO t VALUES (1), (2)'],
    ['aliases', 'SELECT a AS x FROM t', 'SELECT a AS y FROM t'],
    ['casts', "SELECT '1'", "SELECT '1'::int"],
    ['types', "SELECT '1'::int", "SELECT '1'::bigint"],
    ['lengths of types', "SELECT 'abc'::varchar(2)", "SELECT 'abc'::varchar(3)"],
    ['precisions of intervals', "SELECT INTERVAL '1' DAY", "SELECT INTERVAL '1' YEAR"],
    ['schemas', 'SELECT 1 FROM t', 'SELECT 1 FROM public.t'],
    ['schemas of functions', 'SELECT now()', 'SELECT pg_catalog.now()'],
    ['schemas of operators', 'SELECT a = 1 FROM t', 'SELECT a OPERATOR(evil.=) 1 FROM t'],
    ['capital letters in quotes', 'SELECT a', 'SELECT "A"'],
    ['ONLY', 'UPDATE t SET a = 1', 'UPDATE ONLY t SET a = 1'],
    ['DISTINCT', 'SELECT a FROM t', 'SELECT DISTINCT a FROM t'],
    ['where NULLs are', 'SELECT a FROM t ORDER BY a', 'SELECT a FROM t ORDER BY a NULLS FIRST'],
    ['collations', "SELECT a < 'x' FROM t", 'SELECT a < \'x\' COLLATE "C" FROM t'],
    ['columns by number', 'SELECT a, b FROM t ORDER BY 1', 'SELECT a, b FROM t ORDER BY 2'],
    ['groups by number', 'SELECT a, b FROM t GROUP BY 1', 'SELECT a, b FROM t GROUP BY 2'],
    ['sets of groups', 'SELECT 1 FROM t GROUP BY ROLLUP (1, 2)', 'SELECT 1 FROM t GROUP BY ROLLUP (2, 1)'],
    ['DISTINCT ON a number', 'SELECT DISTINCT ON (1) a, b FROM t', 'SELECT DISTINCT ON (2) a, b FROM t'],
    ['locks', 'SELECT a FROM t', 'SELECT a FROM t FOR UPDATE'],
    ['what becomes of the rows', 'SELECT a FROM t', 'SELECT a INTO x FROM t'],
    ['joins', 'SELECT 1 FROM a JOIN b ON true', 'SELECT 1 FROM a LEFT JOIN b ON true'],
    ['IN and = ANY', 'SELECT 1 WHERE a IN (1)', 'SELECT 1 WHERE a = ANY (ARRAY[1])'],
    ['NOT', 'SELECT 1 WHERE a IN (1)', 'SELECT 1 WHERE a NOT IN (1)'],
    ['bits', "SELECT B'01'", "SELECT B'10'"],
    ['which field is taken', 'SELECT extract(year FROM a)', 'SELECT extract(month FROM a)'],
    ['what is swapped by the grammar', "SELECT position('a' IN 'b')", "SELECT pg_catalog.position('a', 'b')"],
    ['whether a limit is there', 'SELECT a LIMIT 1', 'SELECT a'],
    ['LIMIT ALL', 'SELECT a LIMIT 1', 'SELECT a LIMIT ALL'],
    ['the constants of a view', 'CREATE VIEW v AS SELECT 1', 'CREATE VIEW v AS SELECT 2'],
    ['defaults', 'CREATE TABLE t (a int DEFAULT 1)', 'CREATE TABLE t (a int DEFAULT 2)'],
    ['options', 'COPY t TO STDOUT (FORMAT csv)', 'COPY t TO STDOUT (FORMAT text)'],
    ['EXPLAIN ANALYZE', 'EXPLAIN SELECT 1', 'EXPLAIN ANALYZE SELECT 1'],
    ['holding a cursor', 'DECLARE c CURSOR FOR SELECT 1', 'DECLARE c CURSOR WITH HOLD FOR SELECT 1'],
    ['how many are fetched', 'FETCH 1 FROM c', 'FETCH 2 FROM c'],
    ['what a CTE writes', 'WITH x AS (SELECT 1) SELECT 1', 'WITH x AS (DELETE FROM t RETURNING 1) SELECT 1'],
    ['a minus before a column', 'SELECT a FROM t', 'SELECT -a FROM t'],
  ])('depends on %s', (_, one, other) => {
    expect(shape(one)).not.toBe(shape(other));
  });

  it('has a number of a column apart from a parameter', () => {
    const prepared = reader.prepare(
      Buffer.from('SELECT a FROM t ORDER BY $1'),
      [],
      PLAIN,
    ) as PreparedStatement;
    const { command } = prepared.bind([], [Buffer.from('1')]);
    expect(isReadable(command) && command.shape).not.toBe(shape('SELECT a FROM t ORDER BY 1'));
  });
});

describe('the values of a command', () => {
  it.each([
    ['SELECT -1, - 2, +3', ['integer:-1', 'integer:-2', 'integer:3']],
    [
      'SELECT 2147483647, 2147483648, 9223372036854775807',
      ['integer:2147483647', 'integer:2147483648', 'integer:9223372036854775807'],
    ],
    ['SELECT 9223372036854775808, 1.50, 1e5', ['number:9223372036854775808', 'number:1.50', 'number:1e5']],
    ["SELECT '', 'it''s', E'\\n', $$a'b$$", ['text:', "text:it's", 'text:\n', "text:a'b"]],
    ["SELECT 'a'\n'b'", ['text:ab']],
    ['SELECT true, FALSE, NULL', ['boolean:true', 'boolean:false', 'any:NULL']],
    [
      'SELECT 1 WHERE a IN (1, -2) AND b = ANY (\'{x,"y z",NULL}\')',
      ['integer:1', ['integer:1', 'integer:-2'], ['any:x', 'any:y z', 'any:NULL']],
    ],
    ["SELECT position('a' IN 'b')", ['text:a', 'text:b']],
    ["UPDATE t SET a = 'é', b = '€' WHERE c = '𝄞'", ['text:é', 'text:€', 'text:𝄞']],
  ])('of %s', (text, expected) => {
    for (let time = 0; time < 2; time += 1) expect(values(text)).toEqual(expected);
  });

  it('are shown as places, in one line', () => {
    expect(
      commandOf(
        reader,
        "UPDATE t -- x\n SET a = 5,\n b='x' WHERE c IN (1, 2)/* y */AND d = DATE '2026-11-29';",
      ).text,
    ).toBe('UPDATE t SET a = $1, b=$2 WHERE c IN ($3) AND d = CAST($4 AS DATE)');
  });
});

describe('what cannot be looked at', () => {
  it.each([
    ['SELEC 1', 'does not parse'],
    ['SELECT 0x1F', 'has a number that servers of different versions read differently'],
    ['SELECT 1_000', 'has a number that servers of different versions read differently'],
    ['SELECT - -1', 'has a number behind more than one minus'],
    ["SELECT U&'d!0061t' UESCAPE '!'", 'has a text with UESCAPE'],
    ['SELECT $1', 'has a value that cannot be read'],
    ["SELECT 1 WHERE a = ANY ('{{1}}')", 'has a value that cannot be read'],
    [`SELECT '${'a'.repeat(16_400)}'`, 'is longer than 16 KiB'],
    [`SELECT 1${'+1'.repeat(8000)}`, 'is too large or nested too deep to be looked at'],
    [`SELECT ${'- '.repeat(8000)}x`, 'is too large or nested too deep to be looked at'],
    [`SELECT ${'a,'.repeat(8000)}a`, 'is too large or nested too deep to be looked at'],
    ['/*'.repeat(8000), 'has too many comments'],
    ["SELECT '\ufffd'", 'is not text'],
  ])('%#', (text, why) => {
    expect(whyNot(reader, text)).toBe(why);
    // Whatever the parser made of it, the next text finds it as it was.
    expect(values('SELECT 1')).toEqual(['integer:1']);
  });

  it('says the same of a text, whatever was looked at before', async () => {
    const texts = [`SELECT '${'/*'.repeat(101)}'`, `SELECT '\u001b[2J\u0001'`, `SELECT '\u007f\u0085'`];
    const nodes = Array.from({ length: 2_400 }, () => 'a').join();
    texts.push(`SELECT '${'"'.repeat(8_000)}', ${nodes}`);
    for (const text of texts) {
      const cold = await localReader();
      const why = whyNot(cold, text);
      const warm = await localReader();
      const before = text.replace(/'.*'/, "'x'");
      expect(whyNot(warm, before)).toBeUndefined();
      expect(whyNot(warm, text)).toBe(why);
    }
    expect(texts.map((text) => whyNot(reader, text))).toEqual([
      'has too many comments',
      undefined,
      undefined,
      'is too large or nested too deep to be looked at',
    ]);
  });

  it('is one entry, wherever in a text of several commands it is', () => {
    expect(seenIn(reader, 'SELECT 1; SELEC 2; SELECT 3')).toHaveLength(1);
  });

  it('is what the server reads in another way by its settings', () => {
    const escapes: Reading = { utf8: true, standardStrings: false };
    const latin: Reading = { utf8: false, standardStrings: true };
    expect(whyNot(reader, "SELECT '\\' OR 1=1 --'", escapes)).toContain('a backslash');
    expect(whyNot(reader, "SELECT 'x'", escapes)).toBeUndefined();
    expect(whyNot(reader, "SELECT 'é'", latin)).toContain('beyond ASCII');
    expect(whyNot(reader, "SELECT 'e'", latin)).toBeUndefined();
    const [seen] = reader.query(Buffer.from([0x53, 0xff]), PLAIN) as readonly { command: object }[];
    expect(seen?.command).toMatchObject({ why: 'is not text' });
  });

  it('does not end the parser for others, however many there are', async () => {
    const deep = `SELECT ${'- '.repeat(8000)}x`;
    for (let time = 0; time < 6; time += 1) {
      seenIn(reader, deep);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await expect.poll(() => whyNot(reader, `SELECT ${'a, '.repeat(9)} 1`)).toBeUndefined();
  });
});

describe('several commands and none', () => {
  it('sees each', () => {
    const seen = seenIn(reader, "BEGIN; UPDATE t SET a = 1; SET LOCAL work_mem = '4MB'; COMMIT");
    expect(seen.map(({ beside, sets, command }) => [beside, sets, command.text])).toEqual([
      ['transactions', undefined, 'BEGIN'],
      [undefined, undefined, 'UPDATE t SET a = $1'],
      [undefined, { setting: 'work_mem', value: '4MB' }, "SET LOCAL work_mem = '4MB'"],
      ['transactions', undefined, 'COMMIT'],
    ]);
  });

  it.each(['', ' ', ';;', '-- nothing', '/* nothing */'])('sees none in "%s"', (text) => {
    expect(seenIn(reader, text)).toEqual([]);
    expect((reader.prepare(Buffer.from(text), [], PLAIN) as PreparedStatement).isEmpty).toBe(true);
  });

  it.each([
    ['SET statement_timeout = 500', 'settings', { setting: 'statement_timeout', value: '500' }],
    ['set /* x */ statement_timeout to 500', 'settings', { setting: 'statement_timeout', value: '500' }],
    ['SET ROLE admin', undefined, { setting: 'role', value: 'admin' }],
    ['SET search_path = a, b', undefined, { setting: 'search_path', value: 'a, b' }],
    ['RESET search_path', undefined, { setting: 'search_path', value: null }],
    ['SET TIME ZONE DEFAULT', undefined, { setting: 'timezone', value: null }],
    ['RESET ALL', undefined, undefined],
    ['SET SESSION AUTHORIZATION x', undefined, { setting: 'session_authorization', value: 'x' }],
    ['SHOW server_version', 'settings', undefined],
    ['ROLLBACK', 'transactions', undefined],
    ["COMMIT PREPARED 'x'", undefined, undefined],
  ])('%s', (text, beside, sets) => {
    const [seen] = seenIn(reader, text);
    expect([seen?.beside, seen?.sets]).toEqual([beside, sets]);
  });

  it('says which COPY takes and gives', () => {
    expect(seenIn(reader, 'COPY t FROM STDIN')[0]?.copies).toBe('in');
    expect(seenIn(reader, 'COPY (SELECT 1) TO STDOUT')[0]?.copies).toBe('out');
    expect(seenIn(reader, "COPY t FROM PROGRAM 'x'")[0]?.copies).toBeUndefined();
  });
});

describe('the trace in a comment', () => {
  const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  it.each([
    [`SELECT 1 /*traceparent='${TRACE}'*/`, TRACE],
    [`SELECT 2 /*action='a',traceparent='${TRACE}',x='y'*/`, TRACE],
    [`SELECT 3 -- traceparent='${TRACE}'`, TRACE],
    [`SELECT 4 /*traceparent='${TRACE.replace('0af7', '0AF7')}'*/`, undefined],
    [`SELECT 5 /*traceparent='00-${'0'.repeat(32)}-b7ad6b7169203331-01'*/`, undefined],
    [`SELECT 6, 'traceparent=''${TRACE}'''`, undefined],
  ])('%s', (text, trace) => {
    for (let time = 0; time < 2; time += 1) expect(commandOf(reader, text).trace).toBe(trace);
  });
});
