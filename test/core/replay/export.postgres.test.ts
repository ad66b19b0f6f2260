import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serialize } from 'pg-protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { postgresExports } from '#core/replay/postgres/export/exports.ts';
import { postgresReader } from '#core/replay/postgres/reader.ts';
import { loadRedaction } from '#core/replay/redact/redaction.ts';
import type { ReplayFrame } from '#core/replay/step.ts';
import {
  type DebianPostgres,
  hasDebianPostgres,
  startDebianPostgres,
} from '#test/support/debian-postgres.ts';
import { freePortBase } from '#test/support/local-gateway.ts';
import { RecordedClient } from '#test/support/recorded-client.ts';

const { bind, describe: described, execute, parse, query, sync, copyData, copyDone } = serialize;

async function* given(frames: readonly ReplayFrame[]): AsyncGenerator<ReplayFrame> {
  yield* frames;
}

/** The same frames, cut anywhere. */
function split(frames: readonly ReplayFrame[], every: number): ReplayFrame[] {
  return frames.flatMap((frame) =>
    Array.from({ length: Math.ceil(frame.payload.length / every) }, (_, at) => ({
      ...frame,
      payload: frame.payload.subarray(at * every, (at + 1) * every),
    })),
  );
}

const extended = (text: string, values: (string | null)[], name = '') => [
  parse({ name, text }),
  bind({ statement: name, values }),
  described({ type: 'P', name: '' }),
  execute(),
];

const TABLES = `create table people (id int primary key, email text, age int);
  create table log (id serial, said text, at timestamptz default '2026-01-01', data bytea)`;

describe.skipIf(!hasDebianPostgres())('exports of a real session', () => {
  let server: DebianPostgres;
  beforeAll(async () => {
    server = await startDebianPostgres(await freePortBase(), 'md5');
  });
  afterAll(() => server.stop());

  function psql(database: string, args: readonly string[], input = ''): string {
    const env = { ...process.env, PGPASSWORD: server.password, PGCLIENTENCODING: 'UTF8' };
    const where = ['-h', '127.0.0.1', '-p', `${server.port}`, '-U', 'app', '-d', database, '-X', '-q'];
    return execFileSync('psql', [...where, ...args], {
      env,
      input,
      encoding: 'utf8',
      maxBuffer: 1 << 26,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  }

  const DUMP = 'select * from people order by id; select id, said, at, data from log order by id';

  async function recorded(database: string, say: (client: RecordedClient) => Promise<void>) {
    psql('postgres', ['-c', `create database ${database}`]);
    const client = await RecordedClient.login(server, [['database', database]]);
    await say(client);
    client.end();
    return client.frames;
  }

  async function scriptOf(frames: readonly ReplayFrame[]) {
    let text = '';
    const totals = await postgresExports.script(
      given(frames),
      () => undefined,
      async (piece) => void (text += piece),
    );
    return { text, totals };
  }

  test('a script does again what the session did, and psql runs it to its end', async () => {
    const frames = await recorded('one', async (client) => {
      await client.ask(query(TABLES));
      await client.ask(query("insert into people values (1, 'it''s', null), (2, E'tab\\tnew\\nline', 7)"));
      await client.ask(
        ...extended('insert into people (id, email, age) values ($1, $2, $3)', [
          '3',
          "back\\slash 'q'",
          null,
        ]),
        sync(),
      );
      client.send(query('copy people from stdin'));
      client.send(
        copyData(Buffer.from('4\tfour\t44\n5\t\\')),
        copyData(Buffer.from('N\t\\N\n6\tä;\t1')),
        copyDone(),
      );
      await client.ready();
      await client.ask(query("insert into people values (1, 'again', 0)"));
      await client.ask(query('begin'));
      await client.ask(query('delete from people where id = 1'));
      await client.ask(query('select nothing'));
      await client.ask(query('delete from people'));
      await client.ask(query('commit'));
      await client.ask(query('begin; savepoint a; update people set age = 0; rollback to a; commit'));
      await client.ask(query("insert into log (said) values ('x'); insert into log (said) values ('y')"));
      await client.ask(query("insert into log (said) values ('z'); select 1/0"));
      // A pipeline that fails, and one that does not.
      await client.ask(
        ...extended('insert into people (id) values ($1)', ['10']),
        ...extended('insert into people (id) values ($1)', ['1']),
        sync(),
      );
      await client.ask(
        ...extended('insert into people (id) values ($1)', ['11']),
        ...extended('insert into log (said, data) values ($1, $2)', ['p', '\\xdead']),
        sync(),
      );
      await client.ask(query('vacuum people'));
      await client.ask(query("do $$ begin insert into log (said) values ('do'); end $$ -- no end"));
      await client.ask(query('begin'));
      await client.ask(query('delete from people'));
    });
    const { text, totals } = await scriptOf(frames);
    expect(await scriptOf(split(frames, 7))).toEqual({ text, totals });
    psql('postgres', ['-c', 'create database two']);
    psql('two', ['-v', 'ON_ERROR_STOP=1'], text);
    expect(psql('two', ['-c', DUMP.replaceAll('id, said', 'said')])).toBe(
      psql('one', ['-c', DUMP.replaceAll('id, said', 'said')]),
    );
    expect(totals.doubtful).toBe(0);
    expect(totals.commented).toBeGreaterThan(3);
    expect(text).toContain('--   ERROR 23505');
    expect(text).not.toMatch(/^(?!--).*again/m);
  });

  test('security case 18: no session makes psql run a command on the machine of whoever runs its script', async () => {
    const mark = join(mkdtempSync(join(tmpdir(), 'custody-')), 'ran');
    const frames = await recorded('five', async (client) => {
      await client.ask(query('create table t (a text)'));
      await client.ask(query(`select 1 \\! touch ${mark}`));
      await client.ask(query('set standard_conforming_strings = off'));
      await client.ask(query(`insert into t values ('a\\' \\! touch ${mark} ')`));
      await client.ask(query(`insert into t values ('\\\\'); select '\\\\! touch ${mark}\n'`));
      await client.ask(query('reset standard_conforming_strings'));
      await client.ask(query(`insert into t values ('it is \\! touch ${mark}')`));
      client.send(query('copy t from stdin'));
      client.send(copyData(Buffer.from(`x\n\\.\n\\! touch ${mark}\n`)), copyDone());
      await client.ready();
      await client.ask(query(`select 1 as ":x", (array[1,2])[1:2] -- \\! touch ${mark}`));
      await client.ask(query(`select 'back\\slash' as a /* \\! touch ${mark} */`));
    });
    const { text, totals } = await scriptOf(frames);
    psql('postgres', ['-c', 'create database six']);
    psql('six', [], text);
    expect(existsSync(mark)).toBe(false);
    expect(totals.doubtful).toBeGreaterThan(2);
    expect(psql('six', ['-At', '-c', 'select a from t'])).toBe(`it is \\! touch ${mark}\n`);
  });

  test('rows of a result are what COPY writes as CSV', async () => {
    const results = [
      "select 1 as id, 'a' as x, null::text as y, '' as z",
      `select * from (values ('he said "hi"', E'two\\nlines', 'a,b'), (E'cr\\rlf', ' blank ', '\\.'), (null, null, null)) v("Na,me", y, z)`,
      "select '\\.' as only",
      "select '' as only union all select null",
      "select n as id, repeat('x', n) as x, n * 1.5 as y, null as z from generate_series(1, 1500) n",
      'select 1 as id where false',
      "select '\\xdeadbeef'::bytea as id, '{1,2}'::int[] as x, '2026-01-01'::timestamptz as y, true as z",
    ];
    const frames = await recorded('three', async (client) => {
      await client.ask(query("set timezone = 'UTC'"));
      for (const text of results) await client.ask(query(text));
      await client.ask(...extended(results[4]!, []), sync());
    });
    const csvOf = async (frames: readonly ReplayFrame[], step: number, more = {}) => {
      let text = '';
      const sink = {
        begin: async () => void (text = ''),
        text: async (piece: string) => void (text += piece),
      };
      const options = { nullText: '', spreadsheet: false, ...more };
      expect(await postgresExports.table(given(frames), step, options, sink)).toBe(true);
      return text;
    };
    for (const [at, text] of [...results, results[4]!].entries()) {
      const oracle = psql('three', [
        '-c',
        "set timezone = 'UTC'",
        '-c',
        `copy (${text}) to stdout (format csv, header)`,
      ]);
      // The header alone is quoted by COPY where a name wants it, as cells are.
      expect(await csvOf(frames, at + 3)).toBe(oracle);
      expect(await csvOf(split(frames, 1000), at + 3)).toBe(oracle);
    }
    expect(await csvOf(frames, 3, { nullText: 'NULL' })).toBe('id,x,y,z\n1,a,NULL,\n');
  });

  test('what a session said of a column is in no step, however it is cut, and the rest is', async () => {
    const secret = 'ada@secret.example';
    const frames = await recorded('four', async (client) => {
      await client.ask(query(TABLES));
      await client.ask(
        query('create unique index on people (email); alter table people add check (age < 100)'),
      );
      await client.ask(query(`insert into people values (1, '${secret}', 7)`));
      await client.ask(query(`insert into people (id, email) values (2, '${secret}')`));
      await client.ask(query(`insert into people (id, email, age) values (3, 'bob@secret.example', 200)`));
      await client.ask(...extended('insert into people (id, email) values ($1, $2)', ['9', secret]), sync());
      await client.ask(
        ...extended('select id, age, email as contact from people where email = $1', [secret]),
        sync(),
      );
      await client.ask(
        query('select p from people p'),
        query('select to_json(p) from people p where id = 1'),
      );
      await client.ask(query('declare c cursor with hold for select email as x, id from people'));
      await client.ask(query('fetch all from c'));
      await client.ask(query(`prepare s as select id from people where email = $1`));
      await client.ask(query(`execute s('${secret}')`));
      await client.ask(
        query(`select '${secret}'::int from people where email is null or email = '${secret}'`),
      );
      await client.ask(query(`explain select id from people where email = '${secret}'`));
      await client.ask(query('copy people to stdout'));
      client.send(query('copy people (email) from stdin'));
      client.send(copyData(Buffer.from(`${secret}\tmore\n`)), copyDone());
      await client.ready();
      await client.ask(query('select id, 4711 as shown from people'));
    });
    const redaction = (await loadRedaction('postgres', { columns: ['people.email'], patterns: [] }))!;
    for (const part of [frames, split(frames, 11)]) {
      const texts: string[] = [];
      for await (const read of postgresReader.steps(given(part), 'page', () => undefined)) {
        const seen = redaction.step(read);
        const json = seen.toJson();
        expect(postgresReader.shape.safeParse(json).error).toBeUndefined();
        texts.push(seen.toText(200), JSON.stringify(json));
      }
      expect(texts.filter((text) => text.includes('secret.example'))).toEqual([]);
      expect(texts.some((text) => text.includes('4711'))).toBe(true);
      expect(texts.some((text) => text.includes('duplicate key value violates unique constraint'))).toBe(
        true,
      );
    }
  });
});
