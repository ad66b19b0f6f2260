/** Sessions by hand at a real PostgreSQL, run again against an equal database, and against one that is not. */
import { serialize } from 'pg-protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readMayDiffer } from '#core/replay/rerun/may-differ.ts';
import { OracleServer } from '#test/oracle/server.ts';
import { RecordedSession } from '#test/oracle/session.ts';
import { rerunAll, rerunAt, wanted } from '#test/support/plain-wire.ts';

const server = new OracleServer();
const query = (text: string): Buffer => Buffer.from(serialize.query(text));
const { parse, bind, execute, describe: described, sync, flush, close } = serialize;

/** Makes `sandbox` of `postgres` as it is now, then `more` there. */
async function sandbox(more = ''): Promise<void> {
  const session = await RecordedSession.open(server.port);
  session.send(query('drop database if exists sandbox'));
  await session.untilReady(1);
  session.send(query('create database sandbox template template0'));
  await session.untilReady(1);
  await session.end();
  await inSandbox(SCHEMA + more);
}

async function inSandbox(sql: string): Promise<void> {
  const { frames } = await RecordedSession.open(server.port);
  const startup = frames[0]!;
  const own = { ...startup, payload: startup.payload };
  const end = {
    stream: 'client' as const,
    withheld: false,
    timeUs: 1,
    payload: Buffer.concat([query(sql), Uint8Array.of(0x58, 0, 0, 0, 4)]),
  };
  const { reports } = await rerunAt(server.port, [own, end]);
  if (reports[0]!.differences.some(({ kind }) => kind === 'no-answer'))
    throw new Error(JSON.stringify(reports));
}

const SCHEMA = `create table if not exists orders (id serial primary key, who text, amount numeric, made timestamptz default now());
  insert into orders (who, amount) select 'p' || g, g from generate_series(1, 50) g;
  create table if not exists loaded (n int primary key, word text);`;

type Told = readonly Uint8Array[] | ((session: RecordedSession) => Promise<void>);

/** Each write when the one before it is answered. */
async function record(told: readonly Told[]): Promise<RecordedSession['frames']> {
  const before = await RecordedSession.open(server.port);
  before.send(query("truncate loaded; delete from orders where id > 50; select setval('orders_id_seq', 50)"));
  await before.untilReady(1);
  await before.end();
  const session = await RecordedSession.open(server.port);
  for (const one of told) {
    if (typeof one === 'function') await one(session);
    else {
      session.send(Buffer.concat(one));
      await session.untilReady(1);
    }
  }
  await session.end();
  return session.frames;
}

beforeAll(async () => {
  await server.start();
  const session = await RecordedSession.open(server.port);
  session.send(query(SCHEMA));
  await session.untilReady(1);
  await session.end();
}, 60_000);
afterAll(() => server.stop());

const JOB = [
  [query('begin')],
  [query("insert into orders (who, amount) values ('new', 7) returning id, made")],
  [query('select who, amount from orders where amount > 45 order by amount')],
  [query('select count(*), now(), clock_timestamp() c from orders')],
  [query("insert into loaded values (1, 'a'), (1, 'b')")],
  [query('rollback')],
];

describe('one session', () => {
  test('a job that fails fails the same way, and nothing differs', async () => {
    const frames = await record(JOB);
    await sandbox();
    const [report] = (await rerunAt(server.port, frames)).reports;
    expect(report!.differences).toEqual([]);
    expect(report!.steps).toBe(7);
    expect(new Set(report!.expected.map(({ because }) => because))).toEqual(new Set(['now']));
  });

  test('each answer that changed data make another is named, the first with its row', async () => {
    const frames = await record(JOB);
    await sandbox("update orders set who = 'mallory' where amount = 48; delete from orders where amount = 3");
    const [report] = (await rerunAt(server.port, frames)).reports;
    expect(report!.differences).toMatchObject([
      {
        step: 4,
        kind: 'row',
        row: 3,
        column: 'who',
        recorded: 'who=p48, amount=48',
        rerun: 'who=mallory, amount=48',
      },
      {
        step: 5,
        kind: 'row',
        row: 1,
        column: 'count',
        recorded: expect.stringContaining('count=51'),
        rerun: expect.stringContaining('count=50'),
      },
    ]);
  });

  test('pipelines, portals that are suspended, prepared statements, Flush and errors', async () => {
    const frames = await record([
      [
        parse({ name: 's', text: 'select id, who from orders where id < $1 order by id' }),
        described({ type: 'S', name: 's' }),
        bind({ portal: 'p', statement: 's', values: ['20'] }),
        execute({ portal: 'p', rows: 7 }),
        execute({ portal: 'p', rows: 7 }),
        execute({ portal: 'p', rows: 0 }),
        close({ type: 'P', name: 'p' }),
        sync(),
      ],
      [
        parse({ text: 'insert into loaded values (5, $1)' }),
        bind({ values: ['x'] }),
        execute({}),
        parse({ text: 'select 1/0' }),
        bind({}),
        execute({}),
        parse({ text: 'select 1' }),
        bind({}),
        execute({}),
        sync(),
      ],
      async (session) => {
        session.send(Buffer.concat([parse({ name: 'f', text: 'select 42 as answer' }), flush()]));
        await session.until((bytes) => bytes.includes(Buffer.from([0x31, 0, 0, 0, 4])));
        session.send(Buffer.concat([bind({ statement: 'f' }), execute({}), flush()]));
        await session.until((bytes) => bytes.includes('SELECT 1'));
        session.send(sync());
        await session.untilReady(1);
      },
      [query('select 1; select who from orders order by 1 limit 2; select nope')],
      [query('begin; declare c cursor for select id from orders order by id desc')],
      [query('fetch 3 from c')],
      [query('commit')],
      [query('')],
      [query("set client_encoding to 'LATIN1'")],
      [query('select chr(233)')],
      [query('listen here; notify here')],
    ]);
    await sandbox();
    const [report] = (await rerunAt(server.port, frames)).reports;
    expect(report!.differences).toEqual([]);
    expect(report!.steps).toBeGreaterThan(15);
  });

  test('a COPY both ways, one that fails, and one that fails only in the sandbox', async () => {
    const copyIn =
      (text: string): Told =>
      async (session) => {
        session.send(query('copy loaded from stdin'));
        await session.until((bytes) => bytes.includes(Buffer.from([0x47, 0, 0, 0])));
        session.send(Buffer.concat([serialize.copyData(Buffer.from(text)), serialize.copyDone()]));
        await session.untilReady(1);
      };
    const frames = await record([
      copyIn('10\tten\n11\televen\n'),
      copyIn('10\tagain\n'),
      [query('copy loaded to stdout')],
      [query('select 1')],
      [query('truncate loaded')],
    ]);
    await sandbox();
    expect((await rerunAt(server.port, frames)).reports[0]).toMatchObject({ differences: [], steps: 6 });
    await sandbox('drop table loaded');
    const [report] = (await rerunAt(server.port, frames)).reports;
    expect(report!.differences.map(({ step, kind }) => [step, kind])).toEqual([
      [2, 'outcome'],
      [3, 'error'],
      [4, 'outcome'],
      [6, 'outcome'],
    ]);
  });

  test('a sandbox that says nothing is a difference, and no hang', async () => {
    const frames = await record([
      [query('select pg_sleep(0)')],
      [query('select count(*) from orders where pg_sleep(0) is not null and id = 1')],
      [query('select 2')],
    ]);
    await sandbox();
    const holder = wanted(server.port, frames);
    const { reports } = await rerunAll(
      [
        {
          ...holder,
          open: async () => ({
            send: async () => undefined,
            cancel: async () => undefined,
            end: () => undefined,
          }),
        },
      ],
      { answerMs: 50 },
    );
    expect(reports[0]!.differences).toMatchObject([
      { step: 1, kind: 'no-answer', rerun: expect.stringContaining('no answer') },
    ]);
    expect(reports[0]!.notReached).toBeGreaterThan(0);
  });

  test('rules for what may differ', async () => {
    const frames = await record([[query('select id, amount from orders order by id limit 3')]]);
    await sandbox('update orders set amount = 1000 where id = 2');
    const mayDiffer = readMayDiffer(['column=amount']);
    const [report] = (await rerunAt(server.port, frames, { mayDiffer })).reports;
    expect(report!.differences).toEqual([]);
    expect(report!.expected).toMatchObject([{ step: 2, column: 'amount', because: 'ignored' }]);
    expect(() => readMayDiffer(['all'])).toThrow(/could be ignored/);
  });

  test('ids that the sandbox gave others: what sends the recorded ones is told why', async () => {
    const frames = await record([
      [query("insert into orders (who, amount) values ('new', 7) returning id")],
      [query('select who from orders where id = 51')],
      [query("insert into loaded select 51, 'x' from orders where id = 51")],
      [query("select who from orders where made > now() + interval '1 day' or id = 3")],
    ]);
    await sandbox("select setval('orders_id_seq', 90); update orders set who = 'x' where id = 3");
    const [report] = (await rerunAt(server.port, frames)).reports;
    const perhaps = 'it names 51, which step 2 gave as id in the recording, where the sandbox gave 91';
    expect(report!.differences).toMatchObject([
      {
        step: 2,
        column: 'id',
        recorded: 'id=51',
        rerun: 'id=91',
        perhaps: expect.stringContaining('--at session'),
      },
      { step: 3, kind: 'count', perhaps: expect.stringContaining(perhaps) },
      { step: 3, kind: 'row' },
      { step: 4, kind: 'tag', perhaps: expect.stringContaining(perhaps) },
      { step: 5, kind: 'row', perhaps: expect.stringContaining('when it runs') },
    ]);
  });

  test('a statement that is described once and run often, as pgjdbc does', async () => {
    const run = [bind({ statement: 's', values: ['5'], binary: true }), execute(), sync()];
    const text = 'select amount, who from orders where id = $1::int';
    const frames = await record([
      [
        parse({ name: 's', text }),
        bind({ statement: 's', values: ['4'], binary: true }),
        described({ type: 'P', name: '' }),
        execute(),
        sync(),
      ],
      run,
    ]);
    await sandbox("update orders set who = 'x' where id = 5");
    const [report] = (await rerunAt(server.port, frames)).reports;
    expect(report!.differences).toMatchObject([
      {
        step: 3,
        column: 'who',
        recorded: expect.stringContaining(', who=p5'),
        rerun: expect.stringContaining(', who=x'),
      },
    ]);
  });

  test('until a step: the connection is left as it is there', async () => {
    const frames = await record(JOB);
    await sandbox();
    const { reports, live } = await rerunAt(server.port, frames, { until: 4 });
    expect(reports[0]).toMatchObject({ steps: 4, differences: [], until: 4 });
    expect(live!.status).toBe('T');
    live!.wire!.end();
    await expect(rerunAt(server.port, frames, { until: 100 })).rejects.toMatchObject({ code: 'not-found' });
  });
});

test('sessions that waited for each other do so again', async () => {
  const [one, other] = [await RecordedSession.open(server.port), await RecordedSession.open(server.port)];
  const ask = async (session: RecordedSession, text: string): Promise<void> => {
    session.send(query(text));
    await session.untilReady(1);
  };
  const startedAt = Date.now();
  let moment = 0;
  /** What came since the last time, at this moment. */
  const stamp = (session: RecordedSession): void => {
    for (const [at, frame] of session.frames.entries())
      if (frame.timeUs < 1e9) Object.assign(frame, { timeUs: 1e9 + moment * 1000 + at });
  };
  const both = (): void => {
    moment++;
    for (const session of [one, other]) stamp(session);
  };
  both();
  await ask(one, 'begin');
  both();
  await ask(one, 'update orders set amount = amount + 1 where id = 1 returning amount');
  both();
  other.send(query('update orders set amount = amount * 2 where id = 1 returning amount'));
  await new Promise((done) => setTimeout(done, 200));
  both();
  one.send(query('commit'));
  both();
  await one.untilReady(1);
  await other.untilReady(1);
  both();
  await one.end();
  await other.end();
  both();
  await sandbox();
  const at = { startedAt, endedAt: Date.now() };
  const { reports } = await rerunAll([
    wanted(server.port, one.frames, at),
    wanted(server.port, other.frames, at),
  ]);
  expect(reports.map(({ differences }) => differences)).toEqual([[], []]);
});
