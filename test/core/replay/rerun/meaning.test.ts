/** What a statement itself explains: too little is noise, too much hides data that changed. */
import { beforeAll, describe, expect, test } from 'vitest';
import { Parser } from '#core/protocols/postgres/shapes/parser.ts';
import { type Meaning, Meanings } from '#core/replay/rerun/postgres/meaning.ts';

let meanings: Meanings;
beforeAll(async () => {
  meanings = new Meanings(await Parser.load());
});

/** Why each column may differ; `-`: nothing explains it. */
function reasons(sql: string, ...names: string[]): string {
  const meaning: Meaning = meanings.of(sql, 0);
  return names.map((name, at) => meaning.because(at, name) ?? '-').join(', ');
}

describe('a column that may differ', () => {
  test.each([
    ['select now(), total from orders', ['now', 'total'], 'now, -'],
    ["select now() - interval '1 day' as since, version()", ['since', 'version'], 'now, server'],
    ['select current_user, current_date, localtimestamp', ['a', 'b', 'c'], 'session, now, now'],
    ['select pg_backend_pid(), random() * total from orders', ['a', 'b'], 'session, random'],
    ['select nextval($1), currval($1)', ['a', 'b'], 'sequence, sequence'],
    ['select *, now() as read from orders', ['id', 'total', 'read'], '-, -, now'],
    ['select * from (select now() as at, total from orders) x', ['at', 'total'], 'now, -'],
    [
      'with c as (select now() as at) select at, c.at, o.total from c, orders o',
      ['at', 'at', 'total'],
      'now, now, -',
    ],
    ['with c (at) as (select now()) select x.at from c as x', ['at'], 'now'],
    ['with c as (select now() as at) select * from (select at from c) y', ['at'], 'now'],
    ['select 1 union all select random()', ['a'], 'random'],
    ['insert into orders (total, made) values (1, now()) returning total, made', ['total', 'made'], '-, now'],
    ['update orders set made = now() where id = 1 returning *', ['id', 'made'], '-, now'],
    ['select ctid, total from orders', ['ctid', 'total'], 'system column, -'],
    ['explain (analyze) select 1', ['QUERY PLAN'], 'explain'],
    ['explain select 1', ['QUERY PLAN'], '-'],
    ['show server_version', ['server_version'], 'server'],
    ['show work_mem', ['work_mem'], '-'],
  ])('%s', (sql, names, expected) => {
    expect(reasons(sql, ...names)).toBe(expected);
  });
});

describe('data that changed are not explained by', () => {
  test.each([
    [
      'a table that has a column of the same name',
      'select o.at from orders o, (select now() as at) x',
      ['at'],
    ],
    ['a CTE that is not read', 'with c as (select now() as total) select total from orders', ['total']],
    ['a star of a table beside it', 'with c as (select now() as total) select * from orders', ['total']],
    ['a condition of a subquery', 'select (select sum(total) from orders where made < now())', ['sum']],
    ['a FILTER', 'select sum(total) filter (where made < now()) from orders', ['sum']],
    ['when something counts', 'select case when made < now() then total end from orders', ['total']],
    ['a comparison', 'select made < now() from orders', ['a']],
    ['the age of two that are there', 'select age(sent, made) from orders', ['age']],
    ['a count', 'select count(now()) from orders', ['count']],
    ['the order of a window', 'select sum(total) over (order by random()) from orders', ['sum']],
  ])('%s', (_, sql, names) => {
    expect(reasons(sql, ...names)).toBe('-');
  });

  test('a default that stands in for what is missing', () => {
    expect(reasons('select coalesce(sent, now()) from orders', 'sent')).toBe('now and data');
  });
});

test('chance that chooses rows explains them, and the clock does not', () => {
  const drawn = (sql: string): unknown => {
    const { rowsBecause = '-', isOrdered, isChosenByClock = false } = meanings.of(sql, 0);
    return [rowsBecause, isOrdered, isChosenByClock];
  };
  expect(drawn('select id from orders order by random() limit 3')).toEqual(['random', false, false]);
  expect(drawn('select id from orders order by random()')).toEqual(['-', false, false]);
  expect(drawn('select id from orders where random() < 0.1 order by id')).toEqual(['random', true, false]);
  expect(drawn('select id from orders tablesample system (5)')).toEqual(['random', false, false]);
  expect(drawn('select id from orders tablesample system (5) repeatable (1)')).toEqual(['-', false, false]);
  expect(drawn("select id from orders where made > now() - interval '1 day' order by id")).toEqual([
    '-',
    true,
    true,
  ]);
  expect(drawn('update orders set total = 0 where made < now()')).toEqual(['-', false, true]);
  expect(drawn('select now() from orders order by id')).toEqual(['-', true, false]);
  expect(drawn('select 1 union select 2 order by 1')).toEqual(['-', true, false]);
  expect(drawn('select 1 union select 2')).toEqual(['-', false, false]);
  expect(drawn('select * from pg_stat_activity')).toEqual(['server', false, false]);
});
