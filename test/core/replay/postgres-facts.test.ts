import { beforeAll, describe, expect, test } from 'vitest';
import { loadPostgresShapes } from '#core/protocols/postgres/shapes/shapes.ts';
import type { FactsOf, StepFacts } from '#core/replay/facts.ts';
import { loadPostgresFacts } from '#core/replay/postgres/facts.ts';
import type { Step } from '#core/replay/postgres/step.ts';
import type { Shown } from '#core/replay/step.ts';

let factsOf: FactsOf;

beforeAll(async () => {
  factsOf = await loadPostgresFacts();
});

function shown(text: string): Shown {
  return { text, bytes: Buffer.byteLength(text), cut: false };
}

function factsOfStep(step: Partial<Step>): StepFacts {
  const whole: Step = { kind: 'query', at: 0, took: 0, outcome: 'completed', part: 1, ...step };
  return factsOf({ step: whole, toText: () => '', toJson: () => ({}) });
}

function of(text: string, more: Partial<Step> = {}): StepFacts {
  return factsOfStep({ statement: shown(text), ...more });
}

function touched({ relations, isWrite }: StepFacts): string {
  const names = (how: string) =>
    relations
      .filter((one) => one.how === how)
      .map(({ name }) => name)
      .join(',');
  return `${isWrite ? 'write' : 'read'} r:${names('read')} w:${names('written')}`;
}

describe('what a statement touches', () => {
  test.each<[string, string]>([
    ['select 1', 'read r: w:'],
    ['select * from Orders', 'read r:orders w:'],
    ['select * from "Orders", audit.log l join x using (i)', 'read r:Orders,audit.log,x w:'],
    ['select * from orders o for update of o', 'read r:orders w:'],
    ['with o as (select * from orders) select * from o join p on true', 'read r:orders,p w:'],
    ['with o as (select * from o) select * from o', 'read r:o w:'],
    ['with recursive o as (select 1 union all select * from o) select * from o', 'read r: w:'],
    ['with o as (select 1) select * from s.o', 'read r:s.o w:'],
    ['with n as (insert into a select * from b returning *) select * from n', 'write r:b w:a'],
    ['select * into c from a', 'write r:a w:c'],
    ['insert into a select * from b where i in (table c)', 'write r:b,c w:a'],
    ['insert into a values (1) on conflict do nothing', 'write r: w:a'],
    ['update a set i = b.i from b where b.j = (select max(j) from c)', 'write r:b,c w:a'],
    ['update a set i = 1 from a as other', 'write r:a w:a'],
    ['delete from only a using s.b', 'write r:s.b w:a'],
    ['merge into a using b on a.i = b.i when matched then delete', 'write r:b w:a'],
    ['truncate a, s.b', 'write r: w:a,s.b'],
    ['copy a from stdin', 'write r: w:a'],
    ['copy a (i) to stdout', 'read r:a w:'],
    ['copy (select * from a, b) to stdout', 'read r:a,b w:'],
    ["copy a to '/tmp/a'", 'write r:a w:'],
    ['create table a (i int references b, like c) inherits (d)', 'write r:b,c,d w:a'],
    ['create table a as select * from b', 'write r:b w:a'],
    ['create foreign table f (i int) server s', 'write r: w:f'],
    ['create view v as with x as (select * from a) select * from x', 'write r:a w:v'],
    ['create materialized view m as select * from a', 'write r:a w:m'],
    ['refresh materialized view m', 'write r: w:m'],
    ['create index i on s.a (b)', 'write r: w:i,s.a'],
    ['create sequence s', 'write r: w:s'],
    ['create rule r as on insert to a do also insert into l values (1)', 'write r:l w:a'],
    ['create trigger g after insert on a execute function f()', 'write r: w:a'],
    ['alter table a add column b int', 'write r: w:a'],
    ['alter table a rename to b', 'write r: w:a,b'],
    ['alter table s.a rename column x to y', 'write r: w:s.a'],
    ['alter table p attach partition c for values in (1)', 'write r: w:c,p'],
    ['alter view v owner to x', 'write r: w:v'],
    ['drop table a, s.b', 'write r: w:a,s.b'],
    ['drop trigger g on s.t', 'write r: w:s.t'],
    ['drop function f', 'write r: w:'],
    ["comment on column s.t.c is 'x'", 'write r: w:s.t'],
    ['grant select on a, s.b to x', 'write r: w:a,s.b'],
    ['vacuum analyze a', 'write r: w:a'],
    ['lock table a in share mode', 'read r:a w:'],
    ['explain delete from a using b', 'read r:a,b w:'],
    ['explain (analyze) delete from a using b', 'write r:b w:a'],
    ['explain (analyze off) delete from a', 'read r:a w:'],
    ['declare c cursor for select * from a', 'read r:a w:'],
    ['prepare p as insert into a values (1)', 'read r: w:'],
    ['begin', 'read r: w:'],
    ['set search_path to x', 'read r: w:'],
    ['show all', 'read r: w:'],
    ["commit prepared 'x'", 'write r: w:'],
    ['do $$begin delete from a; end$$', 'write r: w:'],
    ['call s.p(1)', 'write r: w:'],
    ["select nextval('s')", 'write r: w:'],
    ['select transfer(i) from a', 'write r:a w:'],
    ['select public.abs(1)', 'write r: w:'],
    ['select count(*), lower(b), pg_catalog.abs(1), pg_table_size(oid), now() from a', 'read r:a w:'],
    ['select pg_terminate_backend(1), lo_unlink(2)', 'write r: w:'],
    ["select * from generate_series(1, 2), json_each('{}')", 'read r: w:'],
    ['this is no sql', 'write r: w:'],
    ["select U&'x' uescape '!' from a", 'read r:a w:'],
    ['prepare q (int) as select $1 from a', 'read r: w:'],
  ])('%s', (text, expected) => {
    expect(touched(of(text))).toBe(expected);
  });

  test('functions that the server does not bring are named', () => {
    expect(of('select s.f(1), g(abs(2)) from h()').functions).toEqual(['g', 'h', 's.f']);
    expect(of('call p()').functions).toEqual(['p']);
  });

  test('files of the server that COPY names', () => {
    expect(of("copy a to '/tmp/a'").files).toEqual([{ path: '/tmp/a', how: 'written' }]);
    expect(of("copy a from '/tmp/a'").files).toEqual([{ path: '/tmp/a', how: 'read' }]);
    expect(of("copy a from program 'x'").files).toEqual([]);
  });

  test('each statement of a query has its own', () => {
    const text = 'select * from a; delete from b; select 1';
    expect([1, 2, 3, 4].map((part) => touched(of(text, { part })))).toEqual([
      'read r:a w:',
      'write r: w:b',
      'read r: w:',
      'write r: w:',
    ]);
  });

  test('the names that EXECUTE and FETCH stand for', () => {
    const facts = of('execute p(7)', { runs: shown('insert into a select $1 from b') });
    expect(touched(facts)).toBe('write r:b w:a');
    expect(facts.values).toEqual(['7']);
    expect(facts.runs).toMatchObject({ text: 'insert into a select $1 from b' });
    expect(facts.runs!.shape).toBe(of('insert into a select $1 from b').shape);
    expect(touched(of('fetch 2 from c', { runs: shown('select * from a') }))).toBe('read r:a w:');
  });
});

describe('what came of it', () => {
  test('what failed, or was passed over, wrote nothing, unless nobody can say', () => {
    const wrote = (text: string, outcome: Step['outcome']) => of(text, { outcome: outcome! }).isWrite;
    expect(wrote('insert into a values (1)', 'failed')).toBe(false);
    expect(wrote('insert into a values (1)', 'skipped')).toBe(false);
    expect(wrote('insert into a values (1)', 'unfinished')).toBe(true);
    expect(wrote('call p()', 'failed')).toBe(true);
    expect(wrote('call p()', 'skipped')).toBe(false);
    expect(wrote('select transfer()', 'failed')).toBe(true);
    expect(wrote('selekt', 'failed')).toBe(false);
    expect(of('insert into a values (1)', { kind: 'prepare' })).toMatchObject({
      isWrite: false,
      relations: [],
    });
  });

  test('rows out and written, by the tag and the rows that came', () => {
    const rows = (text: string, more: Partial<Step>) => of(text, more).rows;
    expect(rows('select 1', { tag: 'SELECT 5', rowCount: 5 })).toEqual({ out: 5, written: 0 });
    expect(rows('insert into a values (1) returning i', { tag: 'INSERT 0 3', rowCount: 3 })).toEqual({
      out: 3,
      written: 3,
    });
    expect(rows('update a set i = 1', { tag: 'UPDATE 7' })).toEqual({ out: 0, written: 7 });
    expect(rows('select * into c from a', { tag: 'SELECT 9' })).toEqual({ out: 0, written: 9 });
    expect(rows('create table c as select 1', { tag: 'SELECT 1' })).toEqual({ out: 0, written: 1 });
    expect(rows('copy a from stdin', { kind: 'copy-in', tag: 'COPY 4' })).toEqual({ out: 0, written: 4 });
    expect(rows("copy a from '/x'", { tag: 'COPY 4' })).toEqual({ out: 0, written: 4 });
    expect(rows('copy a to stdout', { kind: 'copy-out', tag: 'COPY 4' })).toEqual({ out: 4, written: 0 });
    expect(rows('fetch 2 from c', { tag: 'FETCH 2', rowCount: 2 })).toEqual({ out: 2, written: 0 });
  });

  test('values, results, messages, codes', () => {
    const facts = of("select * from a where i = -5 and t in ('x', null) and u = $1", {
      outcome: 'failed',
      values: [shown('bound'), null],
      rows: [[shown('out'), null]],
      error: { severity: 'ERROR', sqlstate: '22012', message: 'division by zero', hint: 'do not' },
      notices: [{ severity: 'NOTICE', sqlstate: '00000', message: 'by the way' }],
    });
    expect(facts).toMatchObject({
      isError: true,
      values: ['bound', '-5', 'x'],
      results: ['out'],
      codes: ['22012'],
      messages: ['division by zero', 'do not', 'by the way'],
    });
  });

  test('a deviation is an error, and its kind a code', () => {
    const note = { note: 'task-deviation', kind: 'unknown-command', expected: '', seen: '', how: 'stopped' };
    const facts = factsOfStep({ kind: 'note', note });
    expect(facts.isError).toBe(true);
    expect(facts.codes).toEqual(['task-deviation', 'unknown-command']);
  });
});

describe('shapes', () => {
  test('are those of contracts', async () => {
    const shapes = await loadPostgresShapes();
    const statement = 'select * from orders where id = $1 and state in ($2)';
    const declared = shapes.declare({
      name: 'c',
      statement,
      values: { $2: { many: { min: 1, max: 9 } } },
    } as never);
    expect(of("SELECT * FROM orders /* by */ WHERE id = 7 AND state IN ('a', 'b')").shape).toBe(
      declared.shape,
    );
  });
});

describe('what the parser does not take', () => {
  const long = `'${'x'.repeat(17 << 10)}'`;

  test.each<[string, string]>([
    [`insert into s.orders (a, b) values (${long}, abs(1))`, 'write r: w:s.orders'],
    [`select * from a, b as c, "D" where i in (${long})`, 'read r:D,a,b w:'],
    [`with x as (select * from a) select * from x join y on true where ${long} = ''`, 'read r:a,y w:'],
    [`update a set i = ${long} from b`, 'write r:b w:a'],
    [`delete from a using b where i = ${long}`, 'write r:b w:a'],
    [`copy a (i) from stdin /* ${long} */`, 'write r: w:a'],
    [`select f(1), ${long} from a`, 'write r:a w:'],
    [`select public.abs(1), ${long} from ünï`, 'write r:ünï w:'],
    [`with x as (insert into b values (1) returning i) select ${long} from x`, 'write r: w:b'],
    [`/* ${long} */ merge into a using b on true when matched then update set i = 1`, 'write r:b w:a'],
  ])('%.60s', (text, expected) => {
    expect(touched(of(text))).toBe(expected);
  });

  test('what is cut is read as far as it goes', () => {
    const facts = of('x', { statement: { text: 'insert into orders values (1, ', bytes: 1e6, cut: true } });
    expect(touched(facts)).toBe('write r: w:orders');
    expect(facts.shape).toBeUndefined();
  });
});

test('a known skeleton takes less than 20 µs', () => {
  // A guard against falling out of the cache, and no measurement: that would be 50 times as much.
  const facts = (at: number) =>
    of(`select a, b from orders where id = ${at} and state = 'x${at}' order by a limit 5`);
  for (let at = 0; at < 5000; at += 1) facts(at);
  const before = process.cpuUsage();
  for (let at = 0; at < 5000; at += 1) facts(at);
  const { user } = process.cpuUsage(before);
  expect(user / 5000).toBeLessThan(100);
  if (process.env['CUSTODY_SHOW'] !== undefined) process.stdout.write(`${(user / 5000).toFixed(1)} µs\n`);
});
