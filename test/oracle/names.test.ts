import { serialize } from 'pg-protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Step } from '#core/replay/postgres/step.ts';
import { gist } from '../core/replay/support.ts';
import { shownOf, type Turn } from './real.ts';
import { OracleServer } from './server.ts';

const { parse, bind, execute, sync, query, close, flush } = serialize;
const P = (name: string, text: string): Buffer => parse({ name, text });
const B = (portal: string, statement: string): Buffer => bind({ portal, statement });
const E = (portal: string, rows = 0): Buffer => execute({ portal, rows });
const S = sync();
const Q = query;

const server = new OracleServer();
beforeAll(async () => {
  await server.start();
  const made = `create table victim (n int); create table other (n int);
    create function hidden() returns int language plpgsql as
      $$ begin execute 'deallocate u'; execute 'prepare u as delete from victim'; return 1; end $$`;
  await shownOf(server, [[1, Q(made)]]);
}, 60_000);
afterAll(() => server.stop());

/** The steps that ran something, in short. */
async function ran(...turns: Turn[]): Promise<string[]> {
  const steps = await shownOf(server, turns);
  return steps.filter(({ kind, part }) => kind === 'execute' || part !== undefined).map(short);
}

function short({ statement, runs, tag, error, outcome, doubt }: Step): string {
  const parts = [
    statement?.text,
    runs && `runs ${runs.text}`,
    tag ?? error?.sqlstate ?? outcome,
    doubt && 'doubt',
  ];
  return parts.filter((part) => part !== undefined).join(' | ');
}

describe('a name stands for what the server has under it when it comes to the message', () => {
  test('a Parse behind the Sync does not change what a Bind before its answer names', async () => {
    expect(
      await ran([3, P('s', 'delete from victim'), S, P('s', 'select 1'), S, B('', 's'), E(''), S]),
    ).toEqual(['delete from victim | DELETE 0']);
  });

  test('a Parse that is refused, as the name is taken, changes nothing, and neither does one behind it', async () => {
    const turns: Turn[] = [
      [1, P('a', 'select 10'), S],
      [1, P('a', 'select 20'), P('a', 'select 30'), S],
      [1, B('', 'a'), E(''), S],
    ];
    expect(await ran(...turns)).toEqual(['select 10 | SELECT 1']);
    expect(await ran([3, ...turns.flatMap(([, ...messages]) => messages)])).toEqual(['select 10 | SELECT 1']);
  });

  test('names that SQL gives and takes away are the same names', async () => {
    expect(
      await ran(
        [1, P('u', 'select 2'), S],
        [1, Q('deallocate u')],
        [1, Q('prepare u as delete from victim')],
        [1, B('', 'u'), E(''), S],
      ),
    ).toEqual([
      'deallocate u | DEALLOCATE',
      'prepare u as delete from victim | PREPARE',
      'delete from victim | DELETE 0',
    ]);
  });

  test('EXECUTE shows what it runs; EXPLAIN of it and CREATE TABLE AS too', async () => {
    expect(
      await ran(
        [1, P('u', 'select 7'), S],
        [
          1,
          Q('/* which? */ EXECUTE "u"; explain (costs off) execute u; create temp table made as execute u'),
        ],
        [1, Q('execute nobody')],
      ),
    ).toEqual([
      expect.stringContaining('| runs select 7 | SELECT 1'),
      expect.stringContaining('| runs select 7 | EXPLAIN'),
      expect.stringContaining('| runs select 7 | SELECT 1'),
      expect.stringContaining('execute nobody | 26000'),
    ]);
  });

  test('portals: one of a name that is taken, one that a cursor declares, one that SQL closes', async () => {
    expect(
      await ran(
        [1, Q('begin')],
        [2, P('', 'select 1'), B('p', ''), S, E('p'), S],
        [2, Q('close p'), Q("declare p cursor for select 'cursor'")],
        [1, E('p'), S],
        [1, Q('fetch p')],
        [1, P('', 'select 3'), B('p', ''), E('p'), S],
      ),
    ).toEqual([
      'begin | BEGIN',
      'select 1 | SELECT 1',
      'close p | CLOSE CURSOR',
      "declare p cursor for select 'cursor' | DECLARE CURSOR",
      "select 'cursor' | SELECT 1",
      "fetch p | runs select 'cursor' | FETCH 0",
      'select 3 | 42P03',
    ]);
  });

  test('portals end with their transaction and with the savepoint that is rolled back', async () => {
    expect(
      await ran(
        [2, Q('begin; savepoint s'), P('', 'select 1'), B('p', ''), S],
        [3, Q('rollback to s'), P('', 'select 2'), B('p', ''), S, E('p'), S],
        [2, Q('commit'), E('p'), S],
        [1, Q('begin; declare h cursor with hold for select 3; commit')],
        [1, E('h'), S],
      ),
    ).toEqual([
      'begin; savepoint s | BEGIN',
      'begin; savepoint s | SAVEPOINT',
      'rollback to s | ROLLBACK',
      'select 2 | SELECT 1',
      'commit | COMMIT',
      '34000',
      'begin; declare h cursor with hold for select 3; commit | BEGIN',
      'begin; declare h cursor with hold for select 3; commit | DECLARE CURSOR',
      'begin; declare h cursor with hold for select 3; commit | COMMIT',
      'select 3 | SELECT 1',
    ]);
  });

  test('names are as long as the server takes them, in the protocol and in SQL', async () => {
    const x = 'x'.repeat(62);
    expect(
      await ran(
        [1, P(`${x}ab`, 'select 63'), S],
        [2, P(`${x}ac`, 'select 0'), S, B('', `${x}ad`), E(''), S],
        [2, Q(`prepare "${x}é" as select 62`), B('', x), E(''), S],
        [2, P(`${x}é`, 'select 64'), S, B('', `${x}è`), E(''), S],
      ),
    ).toEqual([
      'select 63 | SELECT 1',
      expect.stringContaining('| PREPARE'),
      'select 62 | SELECT 1',
      'select 64 | SELECT 1',
    ]);
  });

  test('a name is the same name in every encoding', async () => {
    expect(
      await ran(
        [1, Q('set client_encoding to latin1')],
        [1, P('é', 'select 1'), S],
        [1, Q('set client_encoding to utf8')],
        [1, B('', 'Ã©'), E(''), S],
        [2, Q('prepare "Ö" as select 2'), B('', 'Ö'), E(''), S],
      ),
    ).toEqual([
      'set client_encoding to latin1 | SET',
      'set client_encoding to utf8 | SET',
      'select 1 | SELECT 1',
      'prepare "Ö" as select 2 | PREPARE',
      'select 2 | SELECT 1',
    ]);
  });

  test('a Query takes the unnamed statement away, an empty one too, and leaves named ones', async () => {
    expect(
      await ran(
        [1, P('', 'select 1'), P('n', 'select 2'), S],
        [1, Q('')],
        [1, B('', ''), E(''), S],
        [1, B('', 'n'), E(''), S],
      ),
    ).toEqual([' | empty', '26000', 'select 2 | SELECT 1']);
  });

  test('a portal that is taken in parts, one that is at its end, one that is closed', async () => {
    const series = 'select * from generate_series(1, 3) n';
    expect(
      await ran(
        [1, P('', series), B('p', ''), E('p', 2), E('p', 2), E('p'), flush(), S],
        [1, P('', series), B('p', ''), close({ type: 'P', name: 'p' }), E('p'), S],
      ),
    ).toEqual([`${series} | suspended`, `${series} | SELECT 1`, `${series} | SELECT 0`, '34000']);
  });
});

describe('what cannot be known is said', () => {
  test('after a block, a procedure or a function of which the text is not shown, a name is in doubt', async () => {
    const again: Turn = [1, B('', 'u'), E(''), S];
    for (const code of [
      "do $$ begin execute 'deallocate u'; execute 'prepare u as delete from victim'; end $$",
      'select hidden()',
      'select 1 from (values (1)) v where public.hidden() = 1',
    ]) {
      const steps = await ran([1, P('u', 'delete from other'), S], again, [1, Q(code)], again);
      expect(steps.at(-3)).toBe('delete from other | DELETE 0');
      expect(steps.at(-1)).toBe('delete from other | DELETE 0 | doubt');
    }
  });

  test('a new Parse ends the doubt, and the unnamed statement is never in it', async () => {
    const steps = await ran(
      [1, P('u', 'delete from other'), P('', 'delete from other'), B('p', ''), S],
      [1, Q('do $$ begin end $$')],
      [1, P('v', 'select 1'), B('', 'v'), E(''), P('', 'select 2'), B('', ''), E(''), S],
    );
    expect(steps.slice(1)).toEqual(['select 1 | SELECT 1', 'select 2 | SELECT 1']);
  });

  test('what ordinary drivers do is not in doubt', async () => {
    const steps = await ran(
      [1, P('u', 'select count(*), coalesce(max(n), 0) from victim where n in (1, 2)'), S],
      [1, Q('insert into victim (n) values (1)')],
      [
        1,
        Q(
          "select now(), lower('A'), jsonb_build_object('a', 1)->>'a', pg_sleep(0), cast(1 as numeric(10, 2))",
        ),
      ],
      [
        1,
        Q('with w(a, b) as (select 1, 2) select a from w as v(x, y), generate_series(1, 2) g(n) where x = 1'),
      ],
      [1, Q('create temp table t (a varchar(10), b numeric(4, 2)); insert into t (a) values (upper($$x$$))')],
      [1, B('', 'u'), E(''), S],
    );
    expect(steps.filter((step) => step.endsWith('doubt'))).toEqual([]);
  });

  test('an answer that the text cannot get is said to be of something else', async () => {
    const steps = await ran([1, P('u', 'select 1'), S], [1, Q('select hidden()')], [1, B('', 'u'), E(''), S]);
    expect(steps.at(-1)).toBe('select 1 | DELETE 1 | doubt');
  });
});

describe('COPY', () => {
  const copy = 'copy other from stdin';
  const d = (text: string): Buffer => serialize.copyData(Buffer.from(text));
  const c = serialize.copyDone();
  const f = serialize.copyFail('given up');
  const copies = async (...turns: Turn[]): Promise<string[]> =>
    (await shownOf(server, turns)).map(
      (step) => `${gist(step)} | ${step.copy?.messages ?? '-'} | ${step.copy?.sample.text ?? ''}`,
    );

  test('data that is sent before the server asks for it is the data of the COPY that takes it', async () => {
    expect(await copies([1, Q(copy), d('1\n'), d('2\n'), c])).toEqual([
      `copy-in | completed | ${copy} | COPY 2 | 2 | 1\n2\n`,
    ]);
    expect(await copies([1, P('', copy), B('', ''), E(''), d('3\n'), c, S])).toEqual([
      `copy-in | completed | ${copy} | COPY 1 | 1 | 3\n`,
    ]);
    const both = `${copy}; ${copy}`;
    expect(await copies([1, Q(both), d('4\n'), c, d('5\n'), d('6\n'), c])).toEqual([
      `copy-in | completed | ${both} | COPY 1 | 1 | 4\n`,
      `copy-in | completed | ${both} | COPY 2 | 2 | 5\n6\n`,
    ]);
  });

  test('CopyFail ahead of the server ends the COPY that it is for', async () => {
    const failed = `copy-in | failed | ${copy} | COPY from stdin failed: given up`;
    expect(await copies([2, Q(copy), d('1\n'), f, Q('select 1')])).toEqual([
      `${failed} | 1 | 1\n`,
      'query | completed | select 1 | SELECT 1 | 1 | 1 | - | ',
    ]);
  });

  test('data that no COPY takes is shown as passed over', async () => {
    const none = 'copy nowhere from stdin';
    expect(await copies([2, Q(none), d('1\n'), d('2\n'), c, Q('select 1')])).toEqual([
      `query | failed | ${none} | relation "nowhere" does not exist | - | `,
      'copy-in | skipped | 2 | 1\n2\n',
      'query | completed | select 1 | SELECT 1 | 1 | 1 | - | ',
    ]);
  });
});
