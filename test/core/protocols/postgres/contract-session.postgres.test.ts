import fc from 'fast-check';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import type { BackendMessage } from '#core/protocols/postgres/backend.ts';
import { passwordMessage } from '#core/protocols/postgres/frontend.ts';
import { md5Password } from '#core/protocols/postgres/md5.ts';
import { Frontend } from '#core/protocols/postgres/messages.ts';
import { encodeStartup } from '#core/protocols/postgres/startup.ts';
import { cstring, int32, message } from '#core/protocols/postgres/wire.ts';
import type { ValueFacts } from '#core/tasks/values.ts';
import { hasClient, startClient } from '#test/support/clients.ts';
import { ContractProxy, contractOf, FakeTask } from '#test/support/contract-proxy.ts';
import {
  type DebianPostgres,
  hasDebianPostgres,
  startDebianPostgres,
} from '#test/support/debian-postgres.ts';
import { freePortBase } from '#test/support/local-gateway.ts';
import { type RawClient, rawPlain } from '#test/support/raw-client.ts';

const NONE = Uint8Array.of(0, 0);
const query = (text: string): Uint8Array => message(Frontend.query, cstring(text));
const parse = (text: string, name = ''): Uint8Array =>
  message(Frontend.parse, cstring(name), cstring(text), NONE);
const bind = (values: readonly string[] = [], name = '', portal = ''): Uint8Array =>
  message(
    Frontend.bind,
    cstring(portal),
    cstring(name),
    NONE,
    Uint8Array.of(0, values.length),
    ...values.flatMap((value) => [int32(Buffer.byteLength(value)), Buffer.from(value)]),
    NONE,
  );
const execute = (portal = '', rows = 0): Uint8Array =>
  message(Frontend.execute, cstring(portal), int32(rows));
const sync = message(Frontend.sync);
const flush = message(Frontend.flush);

/** `npm run oracle:exact` has many. */
const RUNS = Number(process.env['CUSTODY_ORACLE_RUNS'] ?? 6);

const integer = { type: 'integer', min: 1, max: 100 } as const;
const FIND = {
  name: 'find',
  statement: 'select id, what from goods where id = $1',
  values: { $1: integer },
  times: { max: 1_000_000 },
};
const PAY = {
  name: 'pay',
  statement: 'insert into paid values ($1)',
  values: { $1: { type: 'text' } },
  times: { max: 2 },
};

describe.runIf(hasDebianPostgres())('a session that is a task, at a real server', () => {
  let server: DebianPostgres;
  let admin: pg.Client;
  const proxies: ContractProxy[] = [];
  beforeAll(async () => {
    server = await startDebianPostgres((await freePortBase()) + 43, 'md5');
    admin = new pg.Client(login(server.port));
    await admin.connect();
    await admin.query('create table paid (what text); create table goods (id int, what text)');
    await admin.query("insert into goods select n, 'thing ' || n from generate_series(1, 50) n");
    await admin.query('create schema other; create table other.goods (id int, what text)');
    await admin.query(
      "create function sneak() returns text language sql as $$ select set_config('search_path', 'other', false) $$",
    );
  });
  afterAll(async () => {
    for (const proxy of proxies) proxy.close();
    await admin?.end();
    await server?.stop();
  });
  afterEach(() => admin.query('delete from paid'));

  const login = (port: number) => ({
    host: '127.0.0.1',
    port,
    user: 'app',
    database: 'postgres',
    password: server.password,
  });

  async function held(
    declared: object,
    facts?: ValueFacts,
    within?: string,
  ): Promise<{ proxy: ContractProxy; task: FakeTask }> {
    const task = new FakeTask(await contractOf(declared, within), facts);
    const proxy = await ContractProxy.start(server.port, task);
    proxies.push(proxy);
    return { proxy, task };
  }

  async function driver(proxy: ContractProxy): Promise<pg.Client> {
    const client = new pg.Client(login(proxy.port));
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  async function psql(proxy: ContractProxy, ...args: string[]) {
    const env = { ...process.env, PGPASSWORD: server.password } as Record<string, string>;
    const where = ['-h', '127.0.0.1', '-p', String(proxy.port), '-U', 'app', '-d', 'postgres'];
    return startClient('psql', ['-XAtq', ...where, ...args], env).done;
  }

  const paid = async (): Promise<string[]> => {
    const { rows } = await admin.query<{ what: string }>('select what from paid order by what');
    return rows.map(({ what }) => what);
  };

  async function raw(port: number): Promise<RawClient> {
    const client = rawPlain(port);
    client.socket.setNoDelay();
    const parameters = [
      ['user', 'app'],
      ['database', 'postgres'],
    ] as const;
    client.send(encodeStartup({ minor: 0, parameters }));
    const { salt } = await client.find('authentication-md5');
    client.send(passwordMessage(md5Password('app', server.password, salt)));
    await client.find('ready-for-query');
    client.messages.length = 0;
    return client;
  }

  /** What came back, once so many ReadyForQuery, or an end, are there. */
  async function answers(client: RawClient, bytes: Uint8Array, ready = 1): Promise<string[]> {
    client.messages.length = 0;
    client.send(bytes);
    const isReady = ({ kind }: BackendMessage): boolean => kind === 'ready-for-query';
    await seen(client, () => client.messages.filter(isReady).length >= ready || client.socket.destroyed);
    return brief(client.messages);
  }

  const brief = (messages: readonly BackendMessage[]): string[] =>
    messages.map((one) => {
      if (one.kind === 'ready-for-query') return `ready ${one.status}`;
      if (one.kind === 'error') return `${one.fields.get('S')} ${one.fields.get('C')}`;
      return one.kind;
    });

  describe('what the contract has', () => {
    it('goes on, by every way of sending it, and the task is begun once', async () => {
      const { proxy, task } = await held({ does: [FIND, PAY] });
      const client = await driver(proxy);
      await client.query('begin');
      await client.query('show search_path');
      expect(task.begins).toBe(0);
      expect((await client.query('select id, what from goods where id = 7')).rowCount).toBe(1);
      expect((await client.query('select id, what from goods where id = $1', [8])).rows[0].what).toBe(
        'thing 8',
      );
      const named = { name: 'n', text: 'select  id, what from goods where id = $1' };
      for (const id of [9, 10]) expect((await client.query({ ...named, values: [id] })).rowCount).toBe(1);
      await client.query("select id, what from goods where id = 1; insert into paid values ('one')");
      await client.query("set application_name = 'x'");
      await client.query('commit');
      await client.query('');
      expect(await paid()).toEqual(['one']);
      expect(task.begins).toBe(1);
      expect(task.deviations).toEqual([]);
      await client.end();
      expect(proxy.ended).toEqual([]);
    });

    it.runIf(hasClient('psql'))('goes on in psql', async () => {
      const { proxy, task } = await held({ does: [FIND, PAY] });
      const { code, stdout } = await psql(proxy, '-c', 'select id, what from goods where id = 3');
      expect([code, stdout.trim(), task.kinds]).toEqual([0, '3|thing 3', []]);
    });

    it('is given back when it fails, or its transaction does', async () => {
      const { proxy, task } = await held({
        does: [
          { ...PAY, times: 1 },
          {
            name: 'bad',
            statement: 'select 1/$1',
            values: { $1: { type: 'integer' } },
            times: { max: 9 },
            answers: { error: 'any' },
          },
        ],
      });
      const client = await driver(proxy);
      await client.query('begin');
      await client.query("insert into paid values ('a')");
      await client.query('rollback');
      await client.query('begin');
      await client.query('savepoint s');
      await client.query("insert into paid values ('b')");
      await client.query('rollback to savepoint s');
      await client.query("insert into paid values ('c')");
      await expect(client.query('select 1/0')).rejects.toMatchObject({ code: '22012' });
      await client.query('rollback');
      await expect(client.query("insert into paid values ('d'); select 1/0")).rejects.toMatchObject({
        code: '22012',
      });
      await client.query("insert into paid values ('e')");
      expect(await paid()).toEqual(['e']);
      expect(task.kinds).toEqual([]);
      await expect(client.query("insert into paid values ('f')")).rejects.toMatchObject({ code: 'UC001' });
      expect(task.kinds).toEqual(['too-often']);
      expect(await paid()).toEqual(['e']);
    });

    it('pipelines: all of it goes on, or nothing', async () => {
      const { proxy, task } = await held({ does: [FIND, PAY] });
      const client = await raw(proxy.port);
      const pay = (what: string) => [parse('insert into paid values ($1)'), bind([what]), execute()];
      expect(await answers(client, Buffer.concat([...pay('x'), flush, ...pay('y'), sync]))).toEqual([
        ...['parse-complete', 'bind-complete', 'command-complete'],
        ...['parse-complete', 'bind-complete', 'command-complete', 'ready I'],
      ]);
      expect(await paid()).toEqual(['x', 'y']);
      expect(await answers(client, Buffer.concat([...pay('z'), sync]))).toEqual([
        'ERROR UC001',
        'ready I',
        'FATAL UC001',
      ]);
      expect(task.kinds).toEqual(['too-often']);
      expect(await paid()).toEqual(['x', 'y']);
    });

    it('a portal that is run in parts is one command', async () => {
      const all = {
        name: 'all',
        statement: 'select id from goods order by id',
        answers: { rows: { max: 50 } },
      };
      const { proxy, task } = await held({ does: [all] });
      const client = await raw(proxy.port);
      const bytes = [
        query('begin'),
        parse(all.statement),
        bind(),
        execute('', 20),
        execute('', 20),
        flush,
        execute('', 20),
        sync,
      ];
      const all1 = await answers(client, Buffer.concat(bytes), 2);
      expect(all1.filter((one) => one === 'data-row')).toHaveLength(50);
      expect(all1.filter((one) => one === 'portal-suspended')).toHaveLength(2);
      expect(task.kinds).toEqual([]);
      client.socket.destroy();
    });
  });

  describe('what it does not have', () => {
    it.each<[kind: string, texts: readonly string[]]>([
      ['not-in-contract', ['select 1']],
      ['not-in-contract', ['select id, what from goods where id = 1 or true']],
      ['not-in-contract', ['select id, what from other.goods where id = 1']],
      ['not-in-contract', ['select id, what from goods where id = 1; drop table paid']],
      ['value', ['select id, what from goods where id = 101']],
      ['value', ["select id, what from goods where id = '1'"]],
      [
        'too-often',
        ["insert into paid values ('a')", "insert into paid values ('a')", "insert into paid values ('a')"],
      ],
      ['not-in-contract', ['do $$ begin end $$']],
      ['not-in-contract', ["copy paid from program 'id'"]],
      ['setting', ['set search_path = other']],
      ['setting', ['set role postgres']],
      ['unreadable', ['select from from']],
      ['not-in-contract', ['declare c cursor for select * from goods']],
      ['unreadable', ['prepare p as select id, what from goods where id = $1']],
    ])('is refused before it reaches the target: %s, %j', async (kind, texts) => {
      const { proxy, task } = await held({ does: [FIND, PAY] });
      const client = await driver(proxy);
      for (const text of texts.slice(0, -1)) await client.query(text);
      const before = Buffer.concat(proxy.forwarded).length;
      await expect(client.query(texts.at(-1)!)).rejects.toMatchObject({ code: 'UC001', severity: 'FATAL' });
      expect(Buffer.concat(proxy.forwarded).length).toBe(before);
      expect(task.kinds).toEqual([kind]);
      expect(proxy.ended.map(({ code }) => code)).toEqual(['contract-deviation']);
    });

    it('goes on with record, and is told', async () => {
      const { proxy, task } = await held({
        does: [{ ...FIND, answers: { rows: { max: 0 }, columns: ['id'] } }],
        onDeviation: 'record',
      });
      const client = await driver(proxy);
      expect((await client.query('select 1')).rowCount).toBe(1);
      expect((await client.query('select id, what from goods where id = $1', [7])).rowCount).toBe(1);
      await expect(client.query('select from from')).rejects.toMatchObject({ code: '42601' });
      await client.query('select 1; select 2');
      expect(task.kinds).toEqual([
        'not-in-contract',
        'rows',
        'columns',
        'unreadable',
        'not-in-contract',
        'not-in-contract',
      ]);
      await client.end();
      expect(proxy.ended).toEqual([]);
    });
  });

  describe('answers', () => {
    it('a row too many does not reach the client', async () => {
      const all = {
        name: 'all',
        statement: 'select id from goods order by id',
        answers: { rows: { max: 10 } },
      };
      const { proxy, task } = await held({ does: [all] });
      const client = await raw(proxy.port);
      const got = await answers(client, query(all.statement));
      expect(got.filter((one) => one === 'data-row')).toHaveLength(10);
      expect(got.at(-1)).toBe('FATAL UC001');
      expect(task.kinds).toEqual(['rows']);
    });

    it('of rows changed, errors and what takes too long', async () => {
      const { proxy, task } = await held({
        does: [
          {
            ...PAY,
            statement: 'insert into paid select $1 from generate_series(1, 3)',
            answers: { affected: 1 },
          },
          { name: 'fails', statement: 'select 1/0', times: { max: 3 } },
          { name: 'sleeps', statement: 'select pg_sleep(5)', answers: { within: '1s' } },
        ],
      });
      for (const text of [
        "insert into paid select 'a' from generate_series(1, 3)",
        'select 1/0',
        'select pg_sleep(5)',
      ]) {
        const client = await driver(proxy);
        await expect(client.query(text)).rejects.toMatchObject({
          code: text.includes('/0') ? '22012' : 'UC001',
        });
        await ended(proxy, task.deviations.length);
        client.end().catch(() => undefined);
      }
      expect(task.kinds).toEqual(['affected', 'error', 'slow']);
    });

    it('a command that runs when the time of the task is over', async () => {
      const { proxy, task } = await held(
        { does: [{ name: 'sleeps', statement: 'select pg_sleep(5)' }] },
        undefined,
        '1s',
      );
      const client = await driver(proxy);
      await expect(client.query('select pg_sleep(5)')).rejects.toMatchObject({ code: 'UC001' });
      expect(task.kinds).toEqual(['too-late']);
    });
  });

  describe('ask', () => {
    const ask = { ask: { reviewers: { any: ['ops'] } } };

    it('the command waits, goes on when it is approved, and is refused in its place when not', async () => {
      const { proxy, task } = await held({ does: [FIND], onDeviation: ask });
      const decided = [Promise.withResolvers<boolean>(), Promise.withResolvers<boolean>()];
      let at = 0;
      task.reviewers = async () =>
        (await decided[at++]!.promise)
          ? { goesOn: true }
          : { goesOn: false, ends: false, error: new CustodyError('contract-deviation', 'denied') };
      const client = await driver(proxy);
      const first = client.query('select 1 as one');
      const second = client.query('select $1::int as two', [2]).catch((error: Error) => error.message);
      await admin.query('select pg_sleep(0.05)');
      expect(Buffer.concat(proxy.forwarded).includes('select 1')).toBe(false);
      decided[0]!.resolve(true);
      expect((await first).rows).toEqual([{ one: 1 }]);
      decided[1]!.resolve(false);
      expect(await second).toBe('denied');
      expect(task.deviations[1]!.command).toBe('select $1::int as two\n-- $1 = "2"');
      expect((await client.query('select id, what from goods where id = 7')).rowCount).toBe(1);
      await client.end();
    });

    it.runIf(hasClient('psql'))(
      'a cancel ends the wait, with the usual words, and fails the transaction',
      async () => {
        const { proxy, task } = await held({ does: [FIND], onDeviation: ask });
        task.reviewers = () => new Promise(() => undefined);
        const client = await raw(proxy.port);
        await answers(client, query('begin'));
        const waiting = answers(client, query('select 1'));
        await until(() => task.deviations.length > 0);
        expect(proxy.sessions[0]!.cancel()).toBe(true);
        expect(await waiting).toEqual(['ERROR 57014', 'ready E']);
        expect(await answers(client, query('rollback'))).toEqual(['command-complete', 'ready I']);
        client.socket.destroy();
      },
    );
  });

  describe('evasion', () => {
    it.each<[how: string, sent: readonly Uint8Array[], kind: string]>([
      [
        'a statement reused with another value',
        [
          parse(FIND.statement, 'a'),
          sync,
          bind(['7'], 'a'),
          execute(),
          sync,
          bind(['101'], 'a'),
          execute(),
          sync,
        ],
        'value',
      ],
      [
        'a value bound, and run later',
        [query('begin'), parse(FIND.statement, 'a'), bind(['101'], 'a', 'p'), sync, execute('p'), sync],
        'value',
      ],
      [
        'a name given anew',
        [
          parse(FIND.statement, 'a'),
          sync,
          message(Frontend.close, Buffer.from('S'), cstring('a')),
          parse('select * from paid where what = $1', 'a'),
          bind(['7'], 'a'),
          execute(),
          sync,
        ],
        'not-in-contract',
      ],
      [
        'the unnamed statement given anew',
        [parse(FIND.statement), sync, parse('delete from paid'), sync, bind(), execute(), sync],
        'not-in-contract',
      ],
      [
        'a name that fails to be given anew',
        [parse(FIND.statement, 'a'), sync, parse('select id from goods', 'a'), sync],
        'not-in-contract',
      ],
      ['a portal that is a cursor', [execute('c'), sync], 'unreadable'],
      ['a name that the server cuts', [parse(FIND.statement, 'x'.repeat(64)), sync], 'unreadable'],
      [
        'a type by which the text means something else',
        [
          message(Frontend.parse, cstring(''), cstring(FIND.statement), Uint8Array.of(0, 1), int32(25)),
          bind(['7']),
          execute(),
          sync,
        ],
        'value',
      ],
      ['a function call', [message(Frontend.functionCall, int32(1598), NONE, NONE, NONE)], 'unreadable'],
      [
        'bytes that are no text',
        [message(Frontend.query, Buffer.from("insert into paid values ('\xff')\0", 'latin1'))],
        'unreadable',
      ],
    ])('%s', async (_how, sent, kind) => {
      const { proxy, task } = await held({ does: [FIND, PAY] });
      const client = await raw(proxy.port);
      const got = await answers(client, Buffer.concat(sent), 9);
      expect(got.at(-1)).toBe('FATAL UC001');
      expect(task.kinds).toEqual([kind]);
      expect(await paid()).toEqual([]);
    });

    it('savepoints of names that the server cuts to one: what is not taken back is not given back', async () => {
      const long = 'x'.repeat(63);
      const [pays, quoted] = ["insert into paid values ('a')", `"${long}`];
      for (const name of [long, quoted]) {
        const ending = name === quoted ? '"' : '';
        const commands = ['begin', `savepoint ${name}1${ending}`, pays, `savepoint ${name}2${ending}`];
        for (const onDeviation of ['stop', 'record']) {
          const { proxy, task } = await held({ does: [{ ...PAY, times: 1 }], onDeviation });
          const client = await driver(proxy);
          const all = [...commands, `rollback to ${name}1${ending}`, pays, 'commit'];
          for (const one of all) await client.query(one).catch(() => undefined);
          await client.end().catch(() => undefined);
          const kinds = task.kinds.filter((kind) => kind !== 'not-in-contract');
          const twice = (await paid()).length > 1;
          expect([onDeviation, twice, kinds]).toEqual(
            onDeviation === 'stop' ? ['stop', false, []] : ['record', true, ['too-often']],
          );
          await admin.query('delete from paid');
        }
      }
    });

    it('a procedure that commits and fails has run', async () => {
      await admin.query(
        `create procedure half(text) language plpgsql as
         $$ begin insert into paid values ($1); commit; raise exception 'no'; end $$`,
      );
      const half = { name: 'half', statement: 'call half($1)', values: { $1: { type: 'text' } } };
      const { proxy, task } = await held({ does: [{ ...half, times: 1, answers: { error: 'any' } }] });
      const client = await driver(proxy);
      for (const what of ['a', 'b']) await expect(client.query(`call half('${what}')`)).rejects.toThrow('');
      expect([await paid(), task.kinds]).toEqual([['a'], ['too-often']]);
    });

    it('a function that changes what texts mean ends the session before the next command', async () => {
      const { proxy } = await held({ does: [FIND, { name: 'sneak', statement: 'select sneak()' }] });
      const client = await driver(proxy);
      await client.query('select sneak()');
      await expect(client.query('select id, what from goods where id = 7')).rejects.toMatchObject({
        code: '42501',
        message: expect.stringContaining('search_path'),
      });
      expect(proxy.ended).toHaveLength(1);
    });

    const SNEAK = { name: 'sneak', statement: 'select sneak()' };
    const SEVEN = 'select id, what from goods where id = 7';

    it('a function in one query with what is read after it', async () => {
      const { proxy, task } = await held({ does: [FIND, SNEAK] });
      const client = await driver(proxy);
      await expect(client.query(`select sneak(); ${SEVEN}`)).rejects.toMatchObject({ code: 'UC001' });
      expect(task.kinds).toEqual(['unreadable']);
      expect(task.begins).toBe(0);
    });

    it('a function in one pipeline with what is read after it', async () => {
      const { proxy, task } = await held({ does: [FIND, SNEAK, PAY] });
      const client = await raw(proxy.port);
      const sneak = [parse(SNEAK.statement, 's'), bind([], 's', 's'), execute('s')];
      const pay = [parse(PAY.statement), bind(['x']), execute()];
      const find = [parse(FIND.statement, 'f'), bind(['7'], 'f', 'f'), execute('f')];
      const got = await answers(client, Buffer.concat([...pay, ...sneak, ...find, sync]));
      expect(got.filter((one) => one === 'data-row')).toHaveLength(1);
      expect(got.at(-1)).toBe('FATAL 42501');
      expect([task.kinds, await paid()]).toEqual([[], []]);
      expect(proxy.ended[0]!.message).toContain('search_path');
    });

    it('a pipeline that is cut behind a function goes on, and fails as one', async () => {
      await admin.query('create function calm(int) returns int language sql as $$ select $1 $$');
      const calm = {
        name: 'calm',
        statement: 'select 1/calm($1)',
        values: { $1: { type: 'integer' } },
        times: { max: 9 },
        answers: { error: 'any' },
      };
      const { proxy, task } = await held({ does: [FIND, calm, PAY] });
      const client = await raw(proxy.port);
      const send = (what: string, by: string) => [
        ...[parse(PAY.statement), bind([what]), execute()],
        ...[parse('select 1/calm($1)', ''), bind([by]), execute()],
        ...[parse(FIND.statement), bind(['7']), execute(), sync],
      ];
      const done = ['parse-complete', 'bind-complete', 'data-row', 'command-complete'];
      const went = done.filter((one) => one !== 'data-row');
      expect(await answers(client, Buffer.concat(send('a', '1')))).toEqual([
        ...[...went, ...done, ...done],
        'ready I',
      ]);
      expect(await answers(client, Buffer.concat(send('b', '0')))).toEqual([
        ...[...went, 'parse-complete', 'ERROR 22012'],
        'ready I',
      ]);
      expect([await paid(), task.kinds]).toEqual([['a'], []]);
      expect(await answers(client, Buffer.concat(send('c', '1')))).toHaveLength(12);
      expect([await paid(), task.kinds]).toEqual([['a', 'c'], []]);
    });

    it.each(['record', { ask: { reviewers: { any: ['ops'] } } }])(
      'a setting by which texts mean something else, where it goes on: %o',
      async (onDeviation) => {
        const { proxy, task } = await held({ does: [FIND], onDeviation });
        const client = await driver(proxy);
        await client.query('set search_path = other');
        await expect(client.query(SEVEN)).rejects.toThrow('the setting search_path is not as it has to be');
        expect(task.kinds).toEqual(['setting']);
      },
    );

    it('messages cut at every byte', async () => {
      const { proxy, task } = await held({ does: [FIND, PAY] });
      const client = await raw(proxy.port);
      const bytes = Buffer.concat([
        query('select id, what from goods where id = 5'),
        parse(FIND.statement),
        bind(['6']),
        execute(),
        sync,
      ]);
      client.messages.length = 0;
      for (const byte of bytes) {
        client.send(Uint8Array.of(byte));
        await new Promise((turn) => setImmediate(turn));
      }
      await seen(client, () => client.messages.filter(({ kind }) => kind === 'ready-for-query').length === 2);
      expect(brief(client.messages).filter((one) => one === 'data-row')).toHaveLength(2);
      expect(task.kinds).toEqual([]);
      client.socket.destroy();
    });
  });

  describe('the oracle: what is refused is to the client what fails at a server', () => {
    const ask = { ask: { reviewers: { any: ['ops'] } } };
    const named = fc.constantFrom('', 'a', 'b');
    const good = PAY.statement;
    const text = fc.constantFrom(good, good, 'bogus');
    const literal = fc.constantFrom(
      "insert into paid values ('x')",
      'bogus',
      "insert into paid values ('x'); bogus",
    );
    const word = fc.constantFrom('begin', 'commit', 'rollback', 'savepoint a', 'rollback to a', 'release a');
    const simple = fc.oneof(literal, word).map((one) => query(one));
    const part = fc.oneof(
      {
        weight: 4,
        arbitrary: text.map((one) => Buffer.concat([parse(one), bind(one === good ? ['x'] : []), execute()])),
      },
      {
        weight: 1,
        arbitrary: named.map((name) =>
          Buffer.concat([message(Frontend.close, Buffer.from('S'), cstring(name)), parse(good, name)]),
        ),
      },
      {
        weight: 2,
        arbitrary: fc
          .tuple(named, named)
          .map(([name, portal]) =>
            Buffer.concat([
              message(Frontend.close, Buffer.from('P'), cstring(portal)),
              bind(['x'], name, portal),
            ]),
          ),
      },
      { weight: 2, arbitrary: named.map((portal) => execute(portal)) },
      { weight: 1, arbitrary: fc.constant(flush) },
    );
    const pipeline = fc.array(part, { maxLength: 5 }).map((parts) => Buffer.concat([...parts, sync]));
    const session = fc.array(fc.oneof(simple, simple, pipeline), { minLength: 1, maxLength: 9 });

    async function outcome(port: number, pieces: readonly Uint8Array[], apart: boolean) {
      await admin.query('delete from paid');
      const client = await raw(port);
      const all: string[] = [];
      if (apart) for (const sent of pieces) all.push(...(await answers(client, sent)));
      else all.push(...(await answers(client, Buffer.concat(pieces), pieces.length)));
      client.send(message(Frontend.terminate));
      await client.end();
      const cut = all.join(' ').split(/(?<=ready [ITE]) ?/);
      const pieceOf = (one: string): string => `${/ERROR|FATAL/.test(one)} ${one.slice(-1)}`;
      return { pieces: cut.filter((one) => one !== '').map(pieceOf), rows: (await paid()).length };
    }

    it(
      'errors, the state of the transaction and what is left in the table are the same',
      async () => {
        await fc.assert(
          fc.asyncProperty(session, fc.boolean(), async (pieces, apart) => {
            const { proxy, task } = await held({
              does: [{ ...PAY, times: { max: 1_000 }, answers: { error: 'any' } }],
              onDeviation: ask,
            });
            const error = new CustodyError('contract-deviation', 'denied');
            task.reviewers = async () => ({ goesOn: false, ends: false, error });
            expect(await outcome(proxy.port, pieces, apart)).toEqual(
              await outcome(server.port, pieces, apart),
            );
            expect(proxy.ended).toEqual([]);
            proxy.close();
          }),
          { numRuns: RUNS },
        );
      },
      60_000 + 2_000 * RUNS,
    );

    it(
      'whatever is sent, no more is there in the end than the contract lets there be, and no less than it ran',
      async () => {
        await fc.assert(
          fc.asyncProperty(session, fc.boolean(), async (pieces, apart) => {
            const { proxy, task } = await held({
              does: [{ ...PAY, answers: { error: 'any' } }],
              onDeviation: ask,
            });
            const error = new CustodyError('contract-deviation', 'denied');
            task.reviewers = async () => ({ goesOn: false, ends: false, error });
            const { rows } = await outcome(proxy.port, pieces, apart);
            expect(rows).toBeLessThanOrEqual(2);
            const plain = await outcome(server.port, pieces, apart);
            expect(task.kinds.includes('too-often') || rows === plain.rows).toBe(true);
            proxy.close();
          }),
          { numRuns: RUNS },
        );
      },
      60_000 + 2_000 * RUNS,
    );
  });

  describe('COPY', () => {
    const IN = { name: 'load', statement: 'copy paid from stdin' };
    const OUT = { name: 'dump', statement: 'copy goods to stdout' };
    const facts = (input: string): ValueFacts => ({
      inputs: new Map([['list', input]]),
      column: () => undefined,
      digests: undefined as never,
    });

    it.runIf(hasClient('psql'))('in and out, in psql', async () => {
      const { proxy, task } = await held(
        { does: [IN, OUT], inputs: { list: { of: 'load', stream: 'copy', input: 'list' } } },
        facts('a\nb\n'),
      );
      const { code, stderr } = await psql(proxy, '-c', '\\copy paid from program \'printf "a\\nb\\n"\'');
      expect([code, stderr, task.kinds]).toEqual([0, '', []]);
      expect(await paid()).toEqual(['a', 'b']);
      const out = await psql(proxy, '-c', 'copy goods to stdout');
      expect(out.stdout.trim().split('\n')).toHaveLength(50);
    });

    it.runIf(hasClient('psql'))('what is not the input is not loaded', async () => {
      const { proxy, task } = await held(
        { does: [IN], inputs: { list: { of: 'load', stream: 'copy', input: 'list' } } },
        facts('a\nb\n'),
      );
      const { code } = await psql(proxy, '-c', '\\copy paid from program \'printf "a\\nc\\n"\'');
      expect([code !== 0, task.kinds]).toEqual([true, ['input']]);
      expect(await paid()).toEqual([]);
    });

    it('over the extended protocol, with a Sync before and after the data, and much of it', async () => {
      const { proxy, task } = await held({ does: [{ ...IN, times: 2 }, FIND] });
      const client = await raw(proxy.port);
      const lines = Buffer.from('some line of a good length\n'.repeat(40_000));
      const data = message(Frontend.copyData, lines);
      client.messages.length = 0;
      client.send(Buffer.concat([parse(IN.statement), bind(), execute(), sync]));
      await seen(client, () => client.messages.some(({ kind }) => kind === 'copy-in'));
      expect(await answers(client, Buffer.concat([data, message(Frontend.copyDone), sync]))).toEqual([
        'command-complete',
        'ready I',
      ]);
      expect((await paid()).length).toBe(40_000);
      client.send(query(IN.statement));
      await seen(client, () => client.messages.some(({ kind }) => kind === 'copy-in'));
      expect(await answers(client, message(Frontend.copyFail, cstring('no')))).toEqual([
        'ERROR 57014',
        'FATAL UC001',
      ]);
      expect(task.kinds).toEqual(['error']);
    });
  });
});

async function ended(proxy: ContractProxy, count: number): Promise<void> {
  await until(() => proxy.ended.length >= count);
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((turn) => setTimeout(turn, 5));
}

async function seen(client: RawClient, holds: () => boolean): Promise<void> {
  void client;
  await until(holds);
}
