import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Command, commandsOf } from '#core/replay/postgres/sql/commands.ts';
import { scannable, unlifted } from '#core/replay/postgres/sql/scannable.ts';
import { isTagOf } from '#core/replay/postgres/sql/tags.ts';

const bytes = (text: string): string => Buffer.from(text).toString('latin1');
const read = (sql: string, standard = true): Command[] => commandsOf(bytes(sql), standard);
const texts = (sql: string, standard = true): string[] =>
  read(sql, standard).map(({ start, end }) => bytes(sql).slice(start, end));

describe('commands of a text', () => {
  test.each<[sql: string, commands: string[]]>([
    ['', []],
    [' ;; -- none; at all\n /* none; /* either; */ */ ;', []],
    ['select 1; select 2', ['select 1', 'select 2']],
    [
      `select ';', ";", $$;$$, $a$;$$;$a$, E'\\';', U&'\\003b;', n';', b'1'; b`,
      [`select ';', ";", $$;$$, $a$;$$;$a$, E'\\';', U&'\\003b;', n';', b'1'`, 'b'],
    ],
    [`select 'a''b;' ; c`, [`select 'a''b;'`, 'c']],
    [`select e'a'\n'\\';' ; c`, [`select e'a'\n'\\';'`, 'c']],
    [`select 'a' '\\'; c`, [`select 'a' '\\'`, 'c']],
    ['select a$b$;c$b$ from x$1', ['select a$b$', 'c$b$ from x$1']],
    [
      'create rule r as on insert to t do (select 1; select 2); c',
      ['create rule r as on insert to t do (select 1; select 2)', 'c'],
    ],
    [
      'create or replace function f() returns int begin atomic select case 1 when 1 then 2 end; select 3; end; c',
      [
        'create or replace function f() returns int begin atomic select case 1 when 1 then 2 end; select 3; end',
        'c',
      ],
    ],
    ['begin; select 1; end; c', ['begin', 'select 1', 'end', 'c']],
    ["select 'no end; c", ["select 'no end; c"]],
    ['select 1 /* no end; c', ['select 1']],
  ])('%j', (sql, commands) => expect(texts(sql)).toEqual(commands));

  test('backslashes escape in plain strings when the session says so', () => {
    expect(texts(`select '\\'; c --'`)).toEqual([`select '\\'`, 'c']);
    expect(texts(`select '\\'; c --'`, false)).toEqual([`select '\\'; c --'`]);
  });

  test('any text is read in no time, and every command is a part of it', () => {
    const piece = fc.constantFrom(
      "'",
      '"',
      '$$',
      '$a$',
      '\\',
      '--',
      '/*',
      '*/',
      '\n',
      ';',
      ' ',
      'e',
      'u&"',
      'x',
      '(',
      ')',
      'é',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 200 }), fc.boolean(), (pieces, standard) => {
        const sql = bytes(pieces.join(''));
        let before = 0;
        for (const { start, end } of commandsOf(sql, standard)) {
          expect(start).toBeGreaterThanOrEqual(before);
          expect(end).toBeGreaterThan(start);
          expect(end).toBeLessThanOrEqual(sql.length);
          before = end;
        }
      }),
      { numRuns: 500 },
    );
    const started = performance.now();
    for (const hostile of ["'\n-", "e'\\", '"', '/*', '--', 'u&"\\', '$', '((', "''", '$$'])
      commandsOf(hostile.repeat(64 << 10), true);
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});

describe('what a command does to names', () => {
  const effect = (sql: string): unknown => {
    const found = read(sql)[0]?.effect;
    return found !== undefined && 'body' in found
      ? { ...found, body: sql.slice(found.body.start, found.body.end) }
      : found;
  };

  test.each<[sql: string, effect: unknown]>([
    ['PREPARE U as select 1', { kind: 'prepare', name: 'u', body: 'select 1' }],
    ['prepare "U" (int, numeric(3, 2)) as select $1;', { kind: 'prepare', name: 'U', body: 'select $1' }],
    ['prepare/**/U&"d\\0061t\\+000061" as values (1)', { kind: 'prepare', name: 'data', body: 'values (1)' }],
    [`prepare U&"d!0061!!" UESCAPE '!' as table t`, { kind: 'prepare', name: 'da!', body: 'table t' }],
    ["prepare transaction 'id'", { kind: 'end' }],
    ['prepare transaction as select 1', { kind: 'prepare', name: 'transaction', body: 'select 1' }],
    ['deallocate u', { kind: 'deallocate', name: 'u' }],
    ['deallocate prepare "all"', { kind: 'deallocate', name: 'all' }],
    ['deallocate prepare', { kind: 'deallocate', name: 'prepare' }],
    ['deallocate prepare all', { kind: 'deallocate', name: undefined }],
    ['execute "a""b" (1)', { kind: 'execute', name: 'a"b' }],
    ['explain (analyze, verbose) execute u', { kind: 'execute', name: 'u' }],
    ['explain analyze verbose execute u(1)', { kind: 'execute', name: 'u' }],
    ['create temp table x as execute u', { kind: 'execute', name: 'u' }],
    ['create trigger x after insert on t for each row execute function f()', undefined],
    [
      'declare c insensitive no scroll cursor with hold for select 1 for update',
      {
        kind: 'declare',
        name: 'c',
        hold: true,
        body: 'select 1 for update',
      },
    ],
    [
      'declare c cursor without hold for select 1',
      { kind: 'declare', name: 'c', hold: false, body: 'select 1' },
    ],
    ['fetch absolute -5 in "C"', { kind: 'fetch', name: 'C' }],
    ['move c', { kind: 'fetch', name: 'c' }],
    ['close all', { kind: 'close', name: undefined }],
    ['close "all"', { kind: 'close', name: 'all' }],
    ['discard all', { kind: 'discard' }],
    ['discard plans', undefined],
    ['savepoint s', { kind: 'savepoint', name: 's' }],
    ['release savepoint s', { kind: 'release', name: 's' }],
    ['rollback work to savepoint s', { kind: 'rollback-to', name: 's' }],
    ['rollback and chain', { kind: 'end' }],
    ['commit', { kind: 'end' }],
    ['select 1', undefined],
  ])('%s', (sql, expected) => expect(effect(sql)).toEqual(expected));
});

describe('code that the text does not show', () => {
  test.each([
    'do $$ begin end $$',
    'call p()',
    'select f()',
    'select a.f(1)',
    'select "F"(1)',
    'select other.now()',
    'insert into t select f(x) from y',
    'update t set a = f(1)',
    'with w as (select f()) select 1',
    'create table x as select f()',
    'explain analyze select f()',
    'copy (select f()) to stdout',
    'execute u (f())',
    "select query_to_xml('select f()', true, true, '')",
    '(select f()) union select 1',
  ])('may run in: %s', (sql) => expect(read(sql)[0]!.hidden).toBe(true));

  test.each([
    'select 1',
    'select count(*), coalesce(max(a), 0), pg_catalog.now() from t where a in (1, 2) and (b or not (c))',
    'insert into s.t (a, b) values (1, (select 2)) on conflict (a) do update set (a, b) = (1, 2) returning (a)',
    'select cast(a as numeric(10, 2)), a::varchar(3), array(select 1), row(1), extract(year from b) from t',
    'with recursive w(a) as (select 1), v(b) as (select 2) select * from w as x(y) join v using (b)',
    'select row_number() over (partition by a), sum(b) filter (where c) from t group by grouping sets ((a), rollup (b))',
    'prepare u as select f()',
    'declare c cursor for select f()',
    'create table t (a numeric(10, 2), primary key (a))',
    'copy t (a, b) from stdin with (format csv)',
    'set x = 1',
    'copy (select 1) to stdout',
  ])('does not run in: %s', (sql) => expect(read(sql)[0]!.hidden).toBe(false));
});

test('a second byte that looks like ASCII is not taken for it', () => {
  const sjis = Uint8Array.of(0x27, 0x83, 0x5c, 0x27, 0x3b, 0x61); // 'ソ';a
  expect(commandsOf(scannable(sjis, 'SJIS'), false)).toHaveLength(2);
  expect(commandsOf(scannable(sjis, 'UTF8'), false)).toHaveLength(1);
  const name = Uint8Array.of(0x65, 0x20, 0x82, 0x41);
  const [command] = commandsOf(`execute ${scannable(name, 'BIG5').slice(2)}`, true);
  expect(command!.effect).toMatchObject({ kind: 'execute' });
  expect(unlifted((command!.effect as { name: string }).name)).toBe('\x82A');
});

test('a tag belongs to a text, or does not', () => {
  expect(isTagOf('DELETE 2', 'select')).toBe(false);
  expect(isTagOf('SELECT 1', 'with')).toBe(true);
  expect(isTagOf('ROLLBACK', 'commit')).toBe(true);
  expect(isTagOf('ANYTHING', 'start_replication')).toBe(true);
  expect(isTagOf('SELECT 1', 'constructor')).toBe(true);
});
