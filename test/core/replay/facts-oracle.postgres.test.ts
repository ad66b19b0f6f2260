/** What statements read and write, against the locks that a real server takes for them. */
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FactsOf } from '#core/replay/facts.ts';
import { loadPostgresFacts } from '#core/replay/postgres/facts.ts';
import type { Step } from '#core/replay/postgres/step.ts';
import {
  type DebianPostgres,
  hasDebianPostgres,
  startDebianPostgres,
} from '#test/support/debian-postgres.ts';
import { freePortBase } from '#test/support/local-gateway.ts';

const TABLES = ['a', 'b', 'c', 'd', 's.e', '"F g"'] as const;
const SCHEMA = `CREATE SCHEMA s; ${TABLES.map(
  (name) => `CREATE TABLE ${name} (i int, t text); INSERT INTO ${name} VALUES (1, 'x');`,
).join(' ')}`;

/** Of tables alone: what indexes and sequences come with them, no text says. https://www.postgresql.org/docs/current/explicit-locking.html */
const LOCKS = `SELECT CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || c.relname AS name,
    bool_or(mode IN ('AccessShareLock', 'RowShareLock')) AS read,
    bool_or(mode NOT IN ('AccessShareLock', 'RowShareLock')) AS written
  FROM pg_locks JOIN pg_class c ON c.oid = relation JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE pid = pg_backend_pid() AND c.relkind = 'r' AND n.nspname IN ('public', 's') GROUP BY 1 ORDER BY 1`;

describe.skipIf(!hasDebianPostgres())('relations, against the locks of a real server', () => {
  let server: DebianPostgres;
  let client: pg.Client;
  let factsOf: FactsOf;

  beforeAll(async () => {
    server = await startDebianPostgres(await freePortBase(), 'md5');
    client = new pg.Client({ host: '127.0.0.1', ...server, user: 'app', database: 'postgres' });
    await client.connect();
    await client.query(SCHEMA);
    factsOf = await loadPostgresFacts();
  }, 60_000);
  afterAll(async () => {
    await client?.end();
    await server?.stop();
  });

  async function lockedBy(sql: string): Promise<string[]> {
    await client.query('BEGIN');
    try {
      await client.query(sql);
      const { rows } = await client.query<{ name: string; read: boolean; written: boolean }>(LOCKS);
      return rows.flatMap(({ name, read, written }) => [
        ...(read ? [`${name} read`] : []),
        ...(written ? [`${name} written`] : []),
      ]);
    } finally {
      await client.query('ROLLBACK');
    }
  }

  function saidBy(sql: string): string[] {
    const statement = { text: sql, bytes: Buffer.byteLength(sql), cut: false };
    const step: Step = { kind: 'query', at: 0, took: 0, part: 1, outcome: 'completed', statement };
    const { relations } = factsOf({ step, toText: () => '', toJson: () => ({}) });
    return relations.map(({ name, how }) => `${name} ${how}`).toSorted();
  }

  test.each([
    'select 1',
    'table a',
    'select * from a for update',
    'select * from a x, b y for share of y',
    'select (select max(i) from b) from a where exists (select from c where c.i = a.i)',
    'select * from a natural join lateral (select * from b where b.i = a.i) x',
    'select * from a tablesample system (50)',
    'with recursive x as (select i from a union all select x.i + 1 from x where x.i < 2) select * from x',
    'with a as (select * from b) select * from a',
    'with a as (select * from a) select * from a',
    'with x as materialized (select 1), y as (select * from x, c) table y',
    'with x as (delete from a returning i), y as (insert into b select i from x returning i) select * from y, c',
    'with x as (select * from b) insert into a table x',
    'insert into a values (1) returning (select max(i) from b)',
    'insert into a select * from a',
    'update a set i = 2',
    'update a set (i, t) = (select i, t from b limit 1) from c',
    'update a set i = 1 from a as other where other.i = a.i',
    'delete from a where i in (select i from s.e)',
    'delete from a using b, c where a.i = b.i',
    'merge into a using b on a.i = b.i when matched then update set t = b.t when not matched then insert values (b.i, b.t)',
    'merge into a using (select * from b, c) x (i, t, j, u) on a.i = x.i when matched then delete',
    'copy (select * from a, b) to stdout',
    'truncate a, s.e',
    'lock table a in access share mode',
    'select * into x1 from a',
    'create table x1 as select a.i from a, "F g"',
    'create table x1 (like a)',
    'create temp table x1 as select 1',
    'alter table a add column z int',
    'alter table a rename to x1',
    'create index on a (i)',
    'create view v as select a.i from a, b',
    'declare cur cursor for select * from a, b',
    'explain select * from a, b',
    'explain analyze delete from a using b where a.i = b.i',
    'comment on table a is $$x$$',
    'comment on column a.i is $$x$$',
    'analyze a',
  ])('%s', async (sql) => {
    // What is new or renamed stands under its new name in the catalog, and under none before.
    const own = (all: readonly string[]) => all.filter((one) => !/^(?:x1|v|pg_temp\S*) /.test(one));
    expect(own(saidBy(sql))).toEqual(
      sql.includes('rename') ? ['a written'] : own(await lockedBy(sql)).map(spelled(sql)),
    );
  });

  test('random statements, but for those that the server refuses', async () => {
    let compared = 0;
    for (const sql of fc.sample(statements, { numRuns: 250, seed: 11 })) {
      const locked = await lockedBy(sql).catch(() => undefined);
      if (locked === undefined) continue;
      compared += 1;
      expect([sql, saidBy(sql)]).toEqual([sql, locked.toSorted()]);
    }
    expect(compared).toBeGreaterThan(200);
  }, 60_000);
});

/** Locks that say more, or less, of a command than that it reads and writes. */
function spelled(sql: string): (one: string) => string {
  return (one) => (/^(?:comment|create index)/.test(sql) ? one.replace(' read', ' written') : one);
}

const table = fc.constantFrom(...TABLES);

/** Each its own aliases, so that nothing is ambiguous; `names`: of WITH, which stand for tables. */
const { query } = fc.letrec<{ query: string; from: string; expression: string }>((tie) => ({
  from: fc.oneof(
    { depthSize: 'small' },
    table.map((name) => `(select * from ${name}) _`),
    table,
    fc.tuple(table, table).map(([one, other]) => `${one} x_ join ${other} y_ on x_.i = y_.i`),
    fc.tuple(table, table).map(([one, other]) => `${one} x_, ${other} y_`),
    tie('query').map((inner) => `(${inner}) q_`),
  ),
  expression: fc.oneof(
    { depthSize: 'small' },
    fc.constant('true'),
    table.map((name) => `exists (select 1 from ${name} where i = 1)`),
    tie('query').map((inner) => `1 = any (select n from (${inner}) z_)`),
  ),
  query: fc.oneof(
    { depthSize: 'small' },
    fc
      .tuple(tie('from'), tie('expression'))
      .map(([from, where]) => `select count(*)::int as n from ${from} where ${where}`),
    fc.tuple(tie('query'), tie('query')).map(([one, other]) => `(${one}) union all (${other})`),
    fc
      .tuple(fc.constantFrom('a', 'w', 'b'), tie('query'), table)
      .map(
        ([name, inner, other]) =>
          `with ${name} as (${inner}) select count(*)::int as n from ${name}, ${other} o_`,
      ),
  ),
}));

const statements: fc.Arbitrary<string> = fc.oneof(
  query,
  fc.tuple(table, query).map(([into, from]) => `insert into ${into} (i) ${from}`),
  fc.tuple(table, query).map(([name, inner]) => `update ${name} set i = (${inner} limit 1)`),
  fc.tuple(table, table).map(([name, other]) => `update ${name} t_ set i = o_.i from ${other} o_`),
  fc
    .tuple(table, table, query)
    .map(([name, other, inner]) => `delete from ${name} t_ using ${other} o_ where 1 = any (${inner})`),
  fc
    .tuple(table, query)
    .map(
      ([name, inner]) => `merge into ${name} t_ using (${inner}) s_ on t_.i = s_.n when matched then delete`,
    ),
  fc
    .tuple(table, query)
    .map(
      ([name, inner]) =>
        `with w_ as (delete from ${name} returning i) select (select n from (${inner}) k_ limit 1)`,
    ),
);
