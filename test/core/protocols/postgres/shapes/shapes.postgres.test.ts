import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandReader, PreparedStatement } from '#core/protocols/postgres/shapes/commands.ts';
import { isReadable } from '#core/tasks/seen.ts';
import {
  type DebianPostgres,
  hasDebianPostgres,
  startDebianPostgres,
} from '#test/support/debian-postgres.ts';
import { freePortBase } from '#test/support/local-gateway.ts';
import { commandOf, localReader, PLAIN, seenIn, words } from './support.ts';

/** Ways to write parts of a query: those of one row mean the same. */
const CONDITIONS = [
  [
    'a = 1',
    'a=1',
    '/* x */ a = 1',
    'a = 1 /* /* */ OR true -- */',
    'a -- y\n = 1',
    'A = 1',
    '"a" = 1',
    '(a) = 1',
    '((a = 1))',
  ],
  ['a <> 1', 'a != 1'],
  ['a OPERATOR(pg_catalog.=) 1'],
  ['a OPERATOR(evil.=) 1'],
  ["b = 'x'", "b = U&'\\0078'", "b = E'x'", 'b = $$x$$', 'b = $q$x$q$', "b = ''\n'x'"],
  ["b = 'x'::text", "b = CAST('x' AS text)", "b = text 'x'"],
  ["b = 'x'::varchar(1)"],
  ['b = \'x\' COLLATE "C"'],
  ['a IN (1, 2)', 'a IN (1,\n2)'],
  ['a NOT IN (1, 2)'],
  ['a = ANY (ARRAY[1, 2])', 'a = SOME (ARRAY[1, 2])'],
  ['a BETWEEN 1 AND 2'],
  ['a BETWEEN SYMMETRIC 1 AND 2'],
  ['a > 1 AND a < 3'],
  ['a > 1 OR a < 3'],
  ['f(1) = 1'],
  ['public.f(1) = 1'],
  ['evil.f(1) = 1'],
  ['f(1::bigint) = 1'],
  ['a IS NULL', 'a ISNULL'],
  ['a = -1', 'a = - 1', 'a=-1'],
  ['-a = 1'],
  ['a - 1 = 1'],
  ['EXISTS (SELECT 1 FROM evil.t)'],
  ['EXISTS (SELECT 1 FROM public.t)'],
];
const FROM = ['FROM t', 'FROM public.t', 'FROM evil.t', 'FROM ONLY t', 'FROM t AS t'];
const TAILS = ['', ' ORDER BY 1', ' ORDER BY 1 DESC', ' ORDER BY 2', ' LIMIT 1', ' FOR UPDATE', ' OFFSET 1'];

/** Of the same meaning, whatever the values are: as the server sees them once they are the same. */
const QUERIES = CONDITIONS.flatMap((row, at) =>
  row.map((condition, way) => {
    const from = FROM[(at * 3 + (at % 2)) % FROM.length]!;
    const tail = TAILS[(at * 5) % TAILS.length]!;
    return { text: `SELECT a, b ${from} WHERE ${condition}${tail}`, row: at, way };
  }),
).concat(
  FROM.flatMap((from, at) =>
    TAILS.map((tail, way) => ({ text: `SELECT a, b ${from}${tail}`, row: 1000 + at * 10 + way, way })),
  ),
);

describe.runIf(hasDebianPostgres())('shapes, at a real server', () => {
  let server: DebianPostgres;
  let admin: pg.Client;
  let reader: CommandReader;
  beforeAll(async () => {
    reader = await localReader();
    server = await startDebianPostgres((await freePortBase()) + 43, 'md5');
    admin = new pg.Client({
      host: '127.0.0.1',
      port: server.port,
      user: 'app',
      database: 'postgres',
      password: server.password,
    });
    await admin.connect();
    await admin.query(`
      CREATE SCHEMA evil;
      CREATE TABLE public.t (a int, b text); CREATE TABLE evil.t (a int, b text);
      INSERT INTO public.t VALUES (1, 'x'), (2, 'y'); INSERT INTO evil.t VALUES (9, 'z');
      CREATE FUNCTION public.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
      CREATE FUNCTION public.f(bigint) RETURNS int LANGUAGE sql AS 'SELECT 2';
      CREATE FUNCTION evil.f(int) RETURNS int LANGUAGE sql AS 'SELECT 3';
      CREATE FUNCTION evil.never(int, int) RETURNS bool LANGUAGE sql AS 'SELECT false';
      CREATE OPERATOR evil.= (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.never);
    `);
  });
  afterAll(async () => {
    await admin?.end();
    await server?.stop();
  });

  /** How the server wrote down what it understood. */
  async function meaning(text: string): Promise<string> {
    await admin.query('BEGIN');
    try {
      await admin.query(`CREATE TEMP VIEW v AS ${text}`);
      const { rows } = await admin.query<{ def: string }>("SELECT pg_get_viewdef('v'::regclass) AS def");
      return rows[0]!.def;
    } finally {
      await admin.query('ROLLBACK');
    }
  }

  it('that are one are one to it, and those that differ differ', async () => {
    const known = new Map<string, string>();
    const seen: { readonly text: string; readonly row: number; shape: string; means: string }[] = [];
    for (const query of QUERIES) {
      const { shape, values } = commandOf(reader, query.text);
      const key = JSON.stringify([shape, values]);
      const means = await meaning(query.text);
      // One shape with the same values means one thing.
      expect(known.get(key) ?? means, query.text).toBe(means);
      known.set(key, means);
      seen.push({ ...query, shape, means });
    }
    expect(seen.length).toBeGreaterThan(70);
    const pairs = seen.flatMap((one) => seen.map((other) => [one, other] as const));
    const said = (found: typeof pairs) => found.map(([one, other]) => `${one.text} | ${other.text}`);
    expect(
      said(pairs.filter(([one, other]) => one.means !== other.means && one.shape === other.shape)),
    ).toEqual([]);
    expect(said(pairs.filter(([one, other]) => one.row === other.row && one.shape !== other.shape))).toEqual(
      [],
    );
  });

  it('are of what the server runs, where a name is shadowed: the shape has the name as it is written', async () => {
    const text = 'SELECT f(1) FROM t';
    const { rows: before } = await admin.query<{ f: number }>(text);
    await admin.query('SET search_path = evil, public');
    const { rows: after } = await admin.query<{ f: number }>(text);
    await admin.query('RESET search_path');
    // That is why search_path is no setting beside a contract.
    expect([before[0]?.f, after[0]?.f]).toEqual([1, 3]);
    const [set] = seenIn(reader, 'SET search_path = evil, public');
    expect([set?.beside, set?.sets?.setting]).toEqual([undefined, 'search_path']);
    const byFunction = commandOf(reader, "SELECT set_config('search_path', 'evil', false)");
    expect(byFunction.shape).not.toBe(commandOf(reader, text).shape);
  });

  it.each([
    [
      'numeric',
      1700,
      ['0', '1', '-1', '10000', '12345.678', '-0.0001', '0.00', '100000000.5', '9999.9999', '1e20', '1e-12'],
    ],
    ['int8', 20, ['0', '-1', '9223372036854775807']],
    ['date', 1082, ['2026-11-29', '1999-12-31']],
    ['timestamp', 1114, ['2026-11-29 11:30:00', '1999-12-31 23:59:59.5']],
    ['uuid', 2950, ['f47ac10b-58cc-4372-a567-0e02b2c3d479']],
    ['bool', 16, ['t', 'f']],
  ])('reads binary values as the server writes them: %s', async (type, oid, texts) => {
    for (const text of texts) {
      const { rows } = await admin.query<{ text: string; bytes: Buffer }>(
        `SELECT ($1::${type})::text AS text, ${type === 'int8' ? 'int8send' : type === 'bool' ? 'boolsend' : `${type}_send`}($1::${type}) AS bytes`,
        [text],
      );
      const prepared = reader.prepare(Buffer.from('SELECT $1'), [oid], PLAIN) as PreparedStatement;
      const { command } = prepared.bind([1], [rows[0]!.bytes]);
      const written = type === 'bool' ? text : rows[0]!.text;
      expect(isReadable(command) && command.values[0], text).toMatchObject({ text: written });
    }
  });

  it('reads binary arrays as the server writes them', async () => {
    const { rows } = await admin.query<{ bytes: Buffer }>("SELECT array_send('{1,NULL,-3}'::int[]) AS bytes");
    const prepared = reader.prepare(
      Buffer.from('SELECT 1 WHERE a = ANY ($1)'),
      [1007],
      PLAIN,
    ) as PreparedStatement;
    const { command } = prepared.bind([1], [rows[0]!.bytes]);
    expect(isReadable(command) && words(command.values[1]!)).toEqual([
      'integer:1',
      'integer:NULL',
      'integer:-3',
    ]);
  });

  /** What somebody tries who is allowed only this. */
  const ALLOWED = "SELECT a FROM t WHERE b = 'x'";
  it.each([
    "SELECT a FROM t WHERE b = 'x'; DELETE FROM t",
    "SELECT a FROM t WHERE b = 'x' OR true --'",
    "SELECT a FROM t WHERE b = '' OR b <> ''",
    "SELECT a FROM t WHERE b = 'x' UNION ALL SELECT a FROM evil.t",
    "SELECT a FROM evil.t WHERE b = 'x'",
    "SELECT a FROM pg_temp.t WHERE b = 'x'",
    'SELECT a FROM U&"\\0074\\0074" WHERE b = \'x\'',
    "SELECT a FROM t WHERE b OPERATOR(evil.=) 'x'",
    "SELECT a INTO x FROM t WHERE b = 'x'",
    "SELECT a FROM t WHERE b = 'x' FOR UPDATE",
    "WITH d AS (DELETE FROM t RETURNING a) SELECT a FROM t WHERE b = 'x'",
    "SELECT (SELECT pg_sleep(9)), a FROM t WHERE b = 'x'",
    "EXPLAIN ANALYZE SELECT a FROM t WHERE b = 'x'",
    "DECLARE c CURSOR WITH HOLD FOR SELECT a FROM t WHERE b = 'x'",
    "COPY (SELECT a FROM t WHERE b = 'x') TO PROGRAM 'sh'",
    "COPY (SELECT a FROM t WHERE b = 'x') TO '/tmp/x'",
    "PREPARE p AS SELECT a FROM t WHERE b = 'x'",
    'EXECUTE p',
    "CREATE TABLE x AS SELECT a FROM t WHERE b = 'x'",
    "CREATE FUNCTION x() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    'DO $$ BEGIN DELETE FROM t; END $$',
    'SET ROLE postgres',
    "SELECT a FROM t WHERE b = 'x'::text::name",
    "SELECT a FROM t WHERE b::name = 'x'",
    "SELECT a FROM t WHERE b LIKE 'x'",
    "SELECT a FROM t WHERE b = lower('x')",
    "SELECT a FROM t WHERE b = 'x' /*! OR 1=1 */ OR true",
    "SELECT a FROM t WHERE b = 'x' /* /* */ */ OR true",
  ])('security case 23: %s is not what is allowed', (text) => {
    const allowed = commandOf(reader, ALLOWED).shape;
    const [first, ...rest] = seenIn(reader, text);
    const isAllowed = first !== undefined && isReadable(first.command) && first.command.shape === allowed;
    expect(isAllowed && rest.every(({ command }) => isReadable(command) && command.shape === allowed)).toBe(
      false,
    );
  });
});
