/** One thing of a database is changed, and a session run again there: exactly the answers that depend on it must be told as others. */
import pg from 'pg';
import { serialize } from 'pg-protocol';
import type { Difference } from '#core/replay/rerun/report.ts';
import { rerunAt } from '#test/support/plain-wire.ts';
import { type Random, randomFrom } from '../fuzz/mutate.ts';
import { query } from './run.ts';
import type { OracleServer } from './server.ts';
import { RecordedSession } from './session.ts';

const STATEMENTS = 14;
const ROWS = 30;
/** Steps before the first statement's: the login. */
const BEFORE = 2;

interface Asked {
  readonly sql: string;
  readonly isOrdered: boolean;
  /** Columns that are not the same each time. */
  readonly volatile: readonly number[];
  readonly isExtended: boolean;
}

export interface ChangedCounts {
  sessions: number;
  changes: number;
  /** Changes that some answer depends on, and those answers. */
  seen: number;
  answers: number;
}

const SCHEMA = `create table items (id serial primary key, grp int not null, val numeric, note text, made timestamptz not null);
  create table refs (id serial primary key, item int references items (id), n int);
  insert into items (grp, val, note, made) select g % 5, g * 1.5, 'note ' || g, timestamptz '2024-01-01' + g * interval '1 hour' from generate_series(1, ${ROWS}) g;
  insert into refs (item, n) select 1 + g % 20, g from generate_series(1, 40) g;`;

/** Throws where what was told is not what changed. */
export async function runChangedOracle(
  server: OracleServer,
  sessions: number,
  seed: number,
  changesEach = 3,
): Promise<ChangedCounts> {
  const random = randomFrom(seed);
  const counts = { sessions: 0, changes: 0, seen: 0, answers: 0 };
  await recreate(server, 'original', 'template0', SCHEMA);
  for (; counts.sessions < sessions; counts.sessions++) {
    const asked = Array.from({ length: STATEMENTS }, () => statement(random));
    const what = (problem: string): Error =>
      new Error(
        `seed ${seed}, session ${counts.sessions}: ${problem}\n${asked.map(({ sql }) => sql).join('\n')}`,
      );
    await recreate(server, 'live', 'original');
    const frames = await record(server, asked);
    await recreate(server, 'sandbox', 'original');
    const { reports } = await rerunAt(server.port, frames, { answerMs: 20_000 });
    if (reports[0]!.differences.length > 0 || reports[0]!.steps !== STATEMENTS + 1)
      throw what(`unchanged: ${JSON.stringify(reports[0])}`);
    await recreate(server, 'live', 'original');
    const before = await answersOf(server, 'live', asked);
    for (let n = 0; n < changesEach; n++) {
      const change = changeOf(random);
      await recreate(server, 'live', 'original', change);
      const after = await answersOf(server, 'live', asked);
      const expected = asked.flatMap((_, at) => (before[at] === after[at] ? [] : [at + BEFORE]));
      await recreate(server, 'sandbox', 'original', change);
      const { differences } = (await rerunAt(server.port, frames, { answerMs: 20_000 })).reports[0]!;
      const told = stepsOf(differences);
      if (told.join() !== expected.join())
        throw what(
          `${change}: told ${told.join()}, but ${expected.join()}\n${JSON.stringify(differences, undefined, 1)}`,
        );
      counts.changes++;
      counts.seen += expected.length > 0 ? 1 : 0;
      counts.answers += expected.length;
    }
  }
  return counts;
}

function stepsOf(differences: readonly Difference[]): number[] {
  return [...new Set(differences.map(({ step }) => step))].toSorted((one, other) => one - other);
}

function statement(random: Random): Asked {
  const number = (most: number): number => 1 + Math.floor(random() * most);
  const [id, grp] = [number(ROWS), number(5) - 1];
  const asked = (sql: string, isOrdered: boolean, volatile: readonly number[] = []): Asked => ({
    ...{ sql, isOrdered, volatile },
    isExtended: random() < 0.5,
  });
  const all = [
    () => asked(`select id, grp, val, note, made from items where grp = ${grp}`, false),
    () => asked(`select id, val from items order by val desc nulls last, id limit ${number(ROWS)}`, true),
    () => asked('select grp, count(*), sum(val), max(note) from items group by grp', false),
    () => asked(`select now(), val, random(), note from items where id = ${id}`, false, [0, 2]),
    () =>
      asked(
        `select pg_backend_pid(), i.id, r.n from items i join refs r on r.item = i.id where i.grp = ${grp}`,
        false,
        [0],
      ),
    () =>
      asked(
        `insert into items (grp, val, note, made) values (${grp}, ${number(9)}, 'new', '2024-05-05') returning id, val`,
        true,
      ),
    () => asked(`insert into refs (item, n) values (${id}, ${number(90)}) returning id`, true),
    () =>
      asked(
        `insert into items (id, grp, val, note, made) values (${number(2 * ROWS)}, 1, 1, 'own', '2024-06-06')`,
        true,
      ),
    () => asked(`update items set val = val + 1 where grp = ${grp} returning id, val`, false),
    () => asked(`update items set note = note || '!' where val > ${number(40)}`, true),
    () => asked(`delete from refs where n = ${number(40)} returning id, item`, false),
    () => asked(`delete from items where id = ${id}`, true),
    () => asked(`select 100 / (val - ${id * 1.5})::int from items where id = ${number(ROWS)}`, false),
    () => asked(`select note::int from refs, items where items.id = ${id} limit 1`, false),
    () => asked('begin', true),
    () => asked('commit', true),
    () => asked('rollback', true),
    () =>
      asked(
        `select coalesce(val, 0) as val, made, now() - interval '1 day' from items where id = ${id}`,
        false,
        [2],
      ),
  ];
  return all[Math.floor(random() * all.length)]!();
}

function changeOf(random: Random): string {
  const id = 1 + Math.floor(random() * ROWS);
  const all = [
    `update items set val = val + 1 where id = ${id}`,
    `update items set val = null where id = ${id}`,
    `update items set note = note || ' ' where id = ${id}`,
    `update items set note = '7' where id = ${id}`,
    `update items set grp = (grp + 1) % 5 where id = ${id}`,
    `update items set made = made + interval '1 microsecond' where id = ${id}`,
    `update refs set n = n + 1 where id = ${id}`,
    `delete from refs where id = ${id}`,
    `insert into refs (item, n) values (${1 + (id % 20)}, 1)`,
    `delete from refs where item = ${id}; delete from items where id = ${id}`,
    `insert into items (id, grp, val, note, made) values (${ROWS + id}, 2, 5, 'more', '2024-02-02')`,
    `alter table items add check (val < ${id * 1.5 + 20}) not valid`,
    'alter table refs drop constraint refs_item_fkey',
    `select setval('items_id_seq', ${ROWS + id})`,
    'alter table items alter note type varchar(99)',
    `create function warn() returns trigger language plpgsql as $$ begin raise notice 'seen'; return new; end $$;
      create trigger warn before insert on refs for each row execute function warn()`,
  ];
  return all[Math.floor(random() * all.length)]!;
}

async function record(server: OracleServer, asked: readonly Asked[]): Promise<RecordedSession['frames']> {
  const session = await RecordedSession.open(server.port, 'live');
  for (const { sql, isExtended } of asked) {
    session.send(isExtended ? extended(sql) : query(sql));
    await session.untilReady(1);
  }
  await session.end();
  return session.frames;
}

function extended(sql: string): Uint8Array {
  const { parse, bind, describe, execute, sync } = serialize;
  const all = [parse({ text: sql }), bind(), describe({ type: 'P', name: '' }), execute(), sync()];
  return Buffer.concat(all);
}

/** What each statement comes to by itself, as node-postgres has it: nothing of Custody takes part. */
async function answersOf(server: OracleServer, database: string, asked: readonly Asked[]): Promise<string[]> {
  const client = new pg.Client({ host: '127.0.0.1', port: server.port, user: 'app', database });
  await client.connect();
  let notices: string[] = [];
  let status = 'I';
  client.on('notice', ({ message }) => notices.push(String(message)));
  const { connection } = client as unknown as {
    connection: { on(of: string, heard: (message: { status: string }) => void): void };
  };
  let isReady: () => void = () => undefined;
  connection.on('readyForQuery', (message) => {
    status = message.status;
    isReady();
  });
  const all: string[] = [];
  for (const { sql, isOrdered, volatile } of asked) {
    notices = [];
    // An error is told before the server is ready again.
    const ready = new Promise<void>((done) => (isReady = done));
    const answer = await client
      .query({ text: sql, rowMode: 'array', types: { getTypeParser: () => String } })
      .then(
        ({ rows, fields, command, rowCount }) => {
          const texts = (rows as unknown[][]).map((row) =>
            JSON.stringify(row.filter((_, at) => !volatile.includes(at))),
          );
          const types = fields.map(({ name, dataTypeID }) => [name, dataTypeID]);
          return [isOrdered ? texts : texts.toSorted(), types, command, rowCount];
        },
        ({ code, message, detail }: { code: string; message: string; detail?: string }) => [
          code,
          message,
          detail,
        ],
      );
    await ready;
    all.push(JSON.stringify([answer, notices, status]));
  }
  await client.end();
  return all;
}

async function recreate(server: OracleServer, name: string, template: string, more = ''): Promise<void> {
  const client = new pg.Client({ host: '127.0.0.1', port: server.port, user: 'app', database: 'template1' });
  await client.connect();
  for (let tries = 0; ; tries++) {
    try {
      await client.query(`drop database if exists ${name} with (force)`);
      await client.query(`create database ${name} template ${template}`);
      break;
    } catch (error) {
      // Sessions before may take a moment to be over.
      if (tries === 50) throw error;
      await new Promise((done) => setTimeout(done, 20));
    }
  }
  await client.end();
  if (more === '') return;
  const own = new pg.Client({ host: '127.0.0.1', port: server.port, user: 'app', database: name });
  await own.connect();
  await own.query(more);
  await own.end();
}
