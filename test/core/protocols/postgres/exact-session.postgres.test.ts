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
import { hasClient, startClient } from '#test/support/clients.ts';
import {
  type DebianPostgres,
  hasDebianPostgres,
  startDebianPostgres,
} from '#test/support/debian-postgres.ts';
import { ExactProxy, type ExactProxyOptions } from '#test/support/exact-proxy.ts';
import { freePortBase } from '#test/support/local-gateway.ts';
import { type RawClient, rawPlain } from '#test/support/raw-client.ts';

const NONE = Uint8Array.of(0, 0);
const query = (text: string): Uint8Array => message(Frontend.query, cstring(text));
const parse = (text: string, name = ''): Uint8Array =>
  message(Frontend.parse, cstring(name), cstring(text), NONE);
const bind = (name = ''): Uint8Array => message(Frontend.bind, cstring(''), cstring(name), NONE, NONE, NONE);
const execute = message(Frontend.execute, cstring(''), int32(0));
const sync = message(Frontend.sync);
const flush = message(Frontend.flush);
const run = (text: string): Uint8Array => Buffer.concat([parse(text), bind(), execute]);
/** `npm run oracle:exact` has many. */
const RUNS = Number(process.env['CUSTODY_ORACLE_RUNS'] ?? 20);
const REFUSED = 'this command does not run: it is not among the commands that were approved';

describe.runIf(hasDebianPostgres())(
  'a session for exact commands, at a real server (security case 23)',
  () => {
    let server: DebianPostgres;
    let admin: pg.Client;
    const proxies: ExactProxy[] = [];
    beforeAll(async () => {
      server = await startDebianPostgres((await freePortBase()) + 41, 'md5');
      admin = new pg.Client(login(server.port));
      await admin.connect();
      await admin.query('create table paid (what text)');
    });
    afterAll(async () => {
      for (const proxy of proxies) proxy.close();
      await admin?.end();
      await server?.stop();
    });

    const login = (port: number) => ({
      host: '127.0.0.1',
      port,
      user: 'app',
      database: 'postgres',
      password: server.password,
    });

    async function exact(options: Omit<ExactProxyOptions, 'port'>): Promise<ExactProxy> {
      const proxy = await ExactProxy.start({ port: server.port, ...options });
      proxies.push(proxy);
      return proxy;
    }

    async function driver(proxy: ExactProxy, more: object = {}): Promise<pg.Client> {
      const client = new pg.Client({ ...login(proxy.port), ...more });
      client.on('error', () => undefined);
      await client.connect();
      return client;
    }

    async function psql(proxy: ExactProxy, ...args: string[]) {
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

    /** What came back, once so many ReadyForQuery are there. */
    async function answers(
      client: RawClient,
      bytes: Uint8Array,
      ready = 1,
    ): Promise<readonly BackendMessage[]> {
      client.messages.length = 0;
      client.send(bytes);
      const isReady = ({ kind }: BackendMessage): boolean => kind === 'ready-for-query';
      await seen(client, () => client.messages.filter(isReady).length >= ready);
      return [...client.messages];
    }

    const brief = (messages: readonly BackendMessage[]): string[] =>
      messages.map((one) => {
        if (one.kind === 'ready-for-query') return `ready ${one.status}`;
        return one.kind === 'error' ? `error ${one.fields.get('C')}` : one.kind;
      });

    describe('the grant', () => {
      it('is not used by what is not approved, and by what a rule lets pass beside', async () => {
        const proxy = await exact({ statements: ['select 1'], allow: ['transactions', 'settings'] });
        const client = await driver(proxy);
        await client.query('begin');
        await client.query("set statement_timeout = '5s'");
        await client.query('show search_path');
        await client.query('rollback');
        await expect(client.query('select 2')).rejects.toMatchObject({ message: REFUSED, code: '42501' });
        await expect(client.query('select $1::int', [1])).rejects.toMatchObject({ message: REFUSED });
        await client.query('');
        expect(proxy.claims).toBe(0);
        expect((await client.query('select 1')).rowCount).toBe(1);
        expect(proxy.claims).toBe(1);
        await client.end();
        expect(proxy.ended).toEqual([]);
      });

      it('is not used by a statement that is only prepared', async () => {
        const proxy = await exact({ statements: ['select 1'] });
        const client = await raw(proxy.port);
        const described = message(Frontend.describe, Buffer.from('S'), cstring('a'));
        expect(
          brief(await answers(client, Buffer.concat([parse('select 1', 'a'), described, sync]))),
        ).toEqual(['parse-complete', 'parameter-description', 'row-description', 'ready I']);
        expect(proxy.claims).toBe(0);
        expect(brief(await answers(client, Buffer.concat([bind('a'), execute, sync])))).toContain(
          'command-complete',
        );
        expect(proxy.claims).toBe(1);
        client.socket.destroy();
      });

      it('is claimed before the first command goes on, and the command waits for that', async () => {
        const held = Promise.withResolvers<void>();
        const proxy = await exact({
          statements: ["insert into paid values ('held')"],
          claim: () => held.promise,
        });
        const client = await driver(proxy);
        const inserted = client.query("insert into paid values ('held')");
        const refused = client.query('select 2').catch((error: Error) => error.message);
        await admin.query('select pg_sleep(0.05)');
        expect(Buffer.concat(proxy.forwarded).includes('held')).toBe(false);
        held.resolve();
        expect((await inserted).rowCount).toBe(1);
        expect(await refused).toBe(REFUSED);
        await client.end();
        await admin.query('delete from paid');
      });

      it('that another session has is refused as used, and the session goes on', async () => {
        const used = new CustodyError('conflict', 'the grant was for one session, and is used');
        const proxy = await exact({
          statements: ['select 1'],
          allow: ['transactions'],
          claim: () => Promise.reject(used),
        });
        const client = await driver(proxy);
        for (const text of ['select 1', 'select 1'])
          await expect(client.query(text)).rejects.toMatchObject({
            message: 'this command does not run: the grant was for one session, and is used',
            code: '42501',
          });
        await client.query('begin');
        await client.query('rollback');
        expect(Buffer.concat(proxy.forwarded).includes('select')).toBe(false);
        await client.end();
      });

      it('can be claimed again where nobody could tell, and no count is lost by that', async () => {
        let tries = 0;
        const claim = async (): Promise<void> => {
          tries += 1;
          if (tries === 1) throw new CustodyError('store-unavailable', 'the store does not answer');
        };
        const client = await driver(await exact({ statements: ['select 1'], claim }));
        await expect(client.query('select 1')).rejects.toMatchObject({
          message: 'the store does not answer',
        });
        expect((await client.query('select 1')).rowCount).toBe(1);
        await client.end();
      });
    });

    describe('what is refused', () => {
      const one = "insert into paid values ('one')";
      const two = "insert into paid values ('two')";

      it('in an open transaction makes it fail, as at a server: nothing is left half done', async () => {
        const proxy = await exact({ statements: [one, two, one, two], allow: ['transactions'] });
        const client = await raw(proxy.port);
        const sent = ['begin', one, 'select 7', two, 'commit', 'begin', one, 'rollback', two];
        const all = brief(await answers(client, Buffer.concat(sent.map(query)), sent.length));
        expect(all).toEqual([
          ...['command-complete', 'ready T', 'command-complete', 'ready T', 'error 42501', 'ready E'],
          ...['error 25P02', 'ready E', 'command-complete', 'ready I', 'command-complete', 'ready T'],
          ...['command-complete', 'ready T', 'command-complete', 'ready I', 'command-complete', 'ready I'],
        ]);
        expect(await paid()).toEqual(['two']);
        client.socket.destroy();
        await admin.query('delete from paid');
      });

      it('can be gone back from, where savepoints pass', async () => {
        const client = await driver(await exact({ statements: [one, two], allow: ['transactions'] }));
        await client.query('begin');
        await client.query(one);
        await client.query('savepoint a');
        await expect(client.query('select 7')).rejects.toMatchObject({ message: REFUSED });
        await client.query('rollback to a');
        await client.query(two);
        await client.query('commit');
        expect(await paid()).toEqual(['one', 'two']);
        await client.end();
        await admin.query('delete from paid');
      });

      it('can always be undone: ROLLBACK needs no approval', async () => {
        const client = await driver(await exact({ statements: ['begin', one] }));
        await client.query('begin');
        await client.query(one);
        await expect(client.query('commit')).rejects.toMatchObject({ code: '42501' });
        await client.query('rollback');
        expect(await paid()).toEqual([]);
        await expect(client.query('begin')).rejects.toMatchObject({ code: '42501' });
        await client.end();
      });

      it('approved commands end a failed transaction, and nothing else runs in one', async () => {
        const client = await driver(
          await exact({ statements: ['begin', one, 'commit', 'rollback; select 1'] }),
        );
        await client.query('begin');
        await expect(client.query('select 7')).rejects.toMatchObject({ code: '42501' });
        await expect(client.query(one)).rejects.toMatchObject({ code: '25P02' });
        await expect(client.query('rollback; select 1')).rejects.toMatchObject({ code: '25P02' });
        expect((await client.query('commit')).command).toBe('ROLLBACK');
        await client.query(one);
        expect(await paid()).toEqual(['one']);
        await client.end();
        await admin.query('delete from paid');
      });

      it.each<[how: string, sent: readonly Uint8Array[], answer: readonly string[], left: readonly string[]]>(
        [
          [
            'a pipeline runs as a whole or not at all',
            [run(one), run('select 7'), sync],
            ['error 42501', 'ready I'],
            [],
          ],
          [
            'what was flushed of it is undone',
            [run(one), flush, run('select 7'), run(two), sync],
            ['parse-complete', 'bind-complete', 'command-complete', 'error 42501', 'ready I'],
            [],
          ],
          [
            'what was flushed before it and what comes after its Sync are two things',
            [run(one), flush, run('select 7'), flush, sync, run(two), sync],
            [
              ...['parse-complete', 'bind-complete', 'command-complete', 'error 42501', 'ready I'],
              ...['parse-complete', 'bind-complete', 'command-complete', 'ready I'],
            ],
            ['two'],
          ],
          [
            'parameters are no part of an approval',
            [
              parse(one),
              flush,
              message(
                Frontend.bind,
                cstring(''),
                cstring(''),
                NONE,
                Uint8Array.of(0, 1),
                int32(1),
                Buffer.from('1'),
                NONE,
              ),
              execute,
              sync,
            ],
            ['parse-complete', 'error 42501', 'ready I'],
            [],
          ],
          [
            'an error of the server is passed over as it does, also after a flush',
            [
              run(one),
              message(Frontend.execute, cstring('none'), int32(0)),
              flush,
              run(two),
              flush,
              sync,
              query(two),
            ],
            [
              ...['parse-complete', 'bind-complete', 'command-complete', 'error 34000', 'ready I'],
              ...['command-complete', 'ready I'],
            ],
            ['two'],
          ],
        ],
      )('%s', async (_how, sent, answer, left) => {
        const proxy = await exact({ statements: [one, two] });
        const client = await raw(proxy.port);
        const ready = answer.filter((text) => text.startsWith('ready')).length;
        expect(brief(await answers(client, Buffer.concat(sent), ready))).toEqual(answer);
        expect(await paid()).toEqual(left);
        client.socket.destroy();
        await admin.query('delete from paid');
      });

      it('COPY takes no data, and the data that comes unasked is passed over', async () => {
        const proxy = await exact({ statements: ['copy paid from stdin', one] });
        const client = await raw(proxy.port);
        const data = [message(Frontend.copyData, Buffer.from('x\n')), message(Frontend.copyDone)];
        const sent = [query('copy paid from stdin'), ...data, query(one)];
        expect(brief(await answers(client, Buffer.concat(sent), 2))).toEqual([
          'error 42501',
          'ready I',
          'command-complete',
          'ready I',
        ]);
        expect(await paid()).toEqual(['one']);
        client.socket.destroy();
        await admin.query('delete from paid');
      });

      it.runIf(hasClient('psql'))('psql goes on, with -1 too', async () => {
        const proxy = await exact({ statements: [one, two], allow: ['transactions'] });
        const went = await psql(proxy, '-c', 'select 7', '-c', '\\d', '-c', one);
        expect(went.stderr.split(REFUSED)).toHaveLength(3);
        expect(await paid()).toEqual(['one']);
        const whole = await psql(proxy, '-v', 'ON_ERROR_STOP=1', '-1', '-c', two, '-c', 'select 7');
        expect([whole.code, whole.stderr.includes(REFUSED)]).toEqual([1, true]);
        expect(await paid()).toEqual(['one']);
        const kept = await psql(await exact({ statements: [two], allow: ['transactions'] }), '-1', '-c', two);
        expect([kept.code, kept.stderr]).toEqual([0, '']);
        expect(await paid()).toEqual(['one', 'two']);
        await admin.query('delete from paid');
      });
    });

    describe('a text means what it says', () => {
      afterEach(() => admin.query('alter role app reset all'));

      it.each<[setting: string, value: string, text: string, means: string]>([
        ['standard_conforming_strings', 'off', String.raw`select '\x41'`, String.raw`\x41`],
        ['search_path', 'evil', 'select what from innocent', 'public'],
        ['client_encoding', 'LATIN1', "select length('é')", '1'],
        ['backslash_quote', 'off', String.raw`select E'it\'s'`, "it's"],
        ['datestyle', 'ISO, DMY', "select '01/02/2026'::date::text", '2026-01-02'],
        ['datestyle', 'German', "select '2026-02-01'::date::text", '2026-02-01'],
        ['intervalstyle', 'sql_standard', "select '-1 2:03'::interval::text", '-1 days +02:03:00'],
        [
          'timezone',
          'Pacific/Auckland',
          "select extract(epoch from '2026-01-01'::timestamptz)::int",
          '1767225600',
        ],
        ['array_nulls', 'off', "select ('{NULL}'::text[])[1] is null", 'true'],
        ['transform_null_equals', 'on', 'select (1 = null) is null', 'true'],
        ['bytea_output', 'escape', "select 'a'::bytea::text", String.raw`\x61`],
        ['extra_float_digits', '-5', 'select 0.1234567890123456::float8::text', '0.1234567890123456'],
        ['xmloption', 'document', "select xmlparse(content 'x') is document", 'false'],
      ])('whatever the login has of its own for %s', async (setting, value, text, means) => {
        await admin.query('create schema if not exists evil');
        await admin.query("create table if not exists evil.innocent as select 'evil' as what");
        await admin.query("create table if not exists public.innocent as select 'public' as what");
        const proxy = await exact({ statements: [text] });
        await admin.query(`alter role app set ${setting} = '${value}'`);
        const client = await driver(proxy);
        const { rows } = await client.query<unknown[]>({ text, rowMode: 'array' });
        expect(String(rows[0]![0])).toBe(means);
        await client.end();
      });

      it.each([
        ['role', 'pg_monitor'],
        ['session_replication_role', 'replica'],
        ['default_tablespace', 'pg_default'],
        ['default_text_search_config', 'pg_catalog.german'],
        ['plpgsql.variable_conflict', 'use_column'],
        ['check_function_bodies', 'off'],
        ['app.tenant', '5'],
      ])('or nothing runs: what it has for %s cannot be held', async (setting, value) => {
        const proxy = await exact({ statements: ['select 1'] });
        await admin.query(`alter role app set ${setting} = '${value}'`);
        const client = await driver(proxy);
        await expect(client.query('select 1')).rejects.toThrow(/settings of its own .*: |connection/i);
        expect(proxy.ended.map(({ code, message: said }) => [code, said.includes(setting)])).toEqual([
          ['target-refused', true],
        ]);
        expect(proxy.claims).toBe(0);
      });

      it.each([
        'statement_timeout',
        'work_mem',
        'lock_timeout',
        'synchronous_commit',
        'jit',
        'log_statement',
      ])('what it has for %s is its own affair', async (setting) => {
        const values: Readonly<Record<string, string>> = {
          synchronous_commit: 'off',
          jit: 'off',
          log_statement: 'all',
        };
        await admin.query(`alter role app set ${setting} = '${values[setting] ?? '10000'}'`);
        const client = await driver(await exact({ statements: ['select 1'] }));
        expect((await client.query('select 1')).rowCount).toBe(1);
        await client.end();
      });

      it('or nothing runs, where the target does not heed what it is told', async () => {
        const proxy = await exact({
          statements: ['select 1'],
          unheeded: true,
          exact: { timeZone: 'Asia/Tokyo' },
        });
        await expect((await driver(proxy)).query('select 1')).rejects.toThrow(
          /is not as it has to be|onnection/,
        );
        expect(proxy.ended[0]?.message).toContain('is not as it has to be');
        expect(proxy.claims).toBe(0);
      });

      it("as the target's own configuration says", async () => {
        const text =
          "select '01/02/2026'::date::text || current_setting('search_path') || current_setting('TimeZone')";
        const statements = [text];
        const asked = {
          searchPath: 'evil, public',
          timeZone: 'Europe/Zurich',
          dateStyle: 'ISO, DMY',
        } as const;
        const client = await driver(await exact({ statements, exact: asked }));
        expect((await client.query({ text, rowMode: 'array' })).rows).toEqual([
          ['2026-02-01evil, publicEurope/Zurich'],
        ]);
        await client.end();
      });

      it('with settings of an application too, where the file names them', async () => {
        const text = "select current_setting('app.tenant')";
        await admin.query("alter role app set app.tenant = '7'");
        const client = await driver(
          await exact({ statements: [text], exact: { settings: { 'app.tenant': '5' } } }),
        );
        expect((await client.query(text)).rows).toEqual([{ current_setting: '5' }]);
        await client.end();
      });

      const look = 'select what from innocent';
      it.each([
        ["set client_encoding = 'SJIS'", 'client_encoding'],
        ['set standard_conforming_strings = off', 'standard_conforming_strings'],
        ["set time zone 'Asia/Tokyo'", 'TimeZone'],
        ["set datestyle = 'ISO, DMY'", 'DateStyle'],
        ['set session authorization pg_monitor', 'session_authorization'],
        ['set search_path = evil', 'search_path'],
        ["select set_config('search_path', 'evil', false)", 'search_path'],
        ["do $$ begin perform set_config('search_path', 'evil', false); end $$", 'search_path'],
        ['set role pg_monitor', 'role'],
        ['set session_replication_role = replica', 'session_replication_role'],
        ['set transform_null_equals = on', 'transform_null_equals'],
        ['set backslash_quote = on', 'backslash_quote'],
      ])('and no longer than that: %s ends the session before another one runs', async (change, name) => {
        const proxy = await exact({ statements: [change, look] });
        const client = await driver(proxy);
        await client.query(change).catch(() => undefined);
        await expect(client.query(look)).rejects.toThrow(/could mean something else|onnection/);
        expect(proxy.ended.map(({ message: said }) => said.includes(`the setting ${name} `))).toEqual([true]);
        expect(Buffer.concat(proxy.forwarded).includes(look)).toBe(false);
      });

      const change = "select set_config('search_path', 'evil', true)";
      const prepared = [
        Buffer.concat([parse(look, 'l'), parse(change, 'c'), sync]),
        Buffer.concat([bind('c'), execute, bind('l'), execute, sync]),
      ];
      it.each<[how: string, sent: readonly Uint8Array[]]>([
        [
          'a transaction',
          [query('begin'), query("select set_config('search_path', 'evil', true)"), query(look)],
        ],
        ['a pipeline', [run("select set_config('search_path', 'evil', true)"), flush, run(look), sync]],
        ['one without a Flush', [run("select set_config('search_path', 'evil', true)"), run(look), sync]],
        ['one that was prepared before', prepared],
      ])('also within %s', async (_how, sent) => {
        const proxy = await exact({
          statements: ['begin', "select set_config('search_path', 'evil', true)", look],
        });
        const client = await raw(proxy.port);
        client.send(Buffer.concat(sent));
        await seen(client, () => false);
        expect(proxy.ended[0]?.message).toContain('search_path');
        expect(Buffer.concat(proxy.forwarded).includes(look)).toBe(sent[0] === prepared[0]);
        expect(client.messages.filter(({ kind }) => kind === 'data-row')).toHaveLength(1);
      });

      it('nor does a command run on that was bound before', async () => {
        const off = "select set_config('session_replication_role', 'replica', true)";
        const pays = "insert into paid values ('without triggers')";
        const proxy = await exact({ statements: [off, pays], allow: ['transactions'] });
        const client = await raw(proxy.port);
        const later = [
          parse(pays),
          message(Frontend.bind, cstring('later'), cstring(''), NONE, NONE, NONE),
          sync,
        ];
        const go = message(Frontend.execute, cstring('later'), int32(0));
        client.send(Buffer.concat([query('begin'), ...later, run(off), sync, go, sync, query('commit')]));
        await seen(client, () => false);
        expect(proxy.ended[0]?.message).toContain('session_replication_role');
        expect(await paid()).not.toContain('without triggers');
      });

      it('nor is one read that is to run once the setting was taken back', async () => {
        const off = "select set_config('standard_conforming_strings', 'off', false)";
        const pays = String.raw`insert into paid values ('\'', 'read otherwise') --')`;
        const proxy = await exact({ statements: [off, pays] });
        const client = await raw(proxy.port);
        client.send(Buffer.concat([run(off), parse(pays, 'pays'), run('rollback'), sync]));
        await seen(client, () => false);
        expect(proxy.ended[0]?.message).toContain('standard_conforming_strings');
        expect(Buffer.concat(proxy.forwarded).includes(pays)).toBe(false);
      });

      it('several in one pipeline are answered as by a server', async () => {
        const proxy = await exact({ statements: [look, 'select 1/0', look, look] });
        const client = await raw(proxy.port);
        expect(brief(await answers(client, Buffer.concat([run(look), run(look), sync])))).toEqual([
          ...['parse-complete', 'bind-complete', 'data-row', 'command-complete'],
          ...['parse-complete', 'bind-complete', 'data-row', 'command-complete'],
          'ready I',
        ]);
        const failing = Buffer.concat([run('select 1/0'), run(look), sync]);
        expect(brief(await answers(client, failing))).toEqual(['parse-complete', 'error 22012', 'ready I']);
        client.socket.destroy();
      });

      it('nor under a name that is the gateway’s own', async () => {
        const proxy = await exact({ statements: [look] });
        const client = await raw(proxy.port);
        const portal = message(
          Frontend.bind,
          cstring('custody: not approved'),
          cstring('empty'),
          NONE,
          NONE,
          NONE,
        );
        expect(brief(await answers(client, Buffer.concat([parse('', 'empty'), portal, sync])))).toEqual([
          'error 42501',
          'ready I',
        ]);
        expect(brief(await answers(client, Buffer.concat([parse(look, 'custody: settings'), sync])))).toEqual(
          ['error 42501', 'ready I'],
        );
        expect((await answers(client, query(look))).map(({ kind }) => kind)).toContain('data-row');
        client.socket.destroy();
      });

      it('what changes it for one command alone does no harm, nor does asking, in any state of a transaction', async () => {
        const local = "begin; select set_config('search_path', 'evil', true); commit";
        const serializable = 'set transaction isolation level serializable';
        const proxy = await exact({ statements: [local, look, look], allow: ['transactions'] });
        const client = await driver(proxy);
        await client.query(local);
        await client.query('begin');
        await client.query(serializable);
        expect((await client.query(look)).rows).toEqual([{ what: 'public' }]);
        await client.query('commit');
        expect((await client.query({ name: 'named', text: look })).rows).toEqual([{ what: 'public' }]);
        expect(proxy.ended).toEqual([]);
        await client.end();
      });
    });

    describe('the oracle: what is refused is to the client what fails at a server', () => {
      const good = "insert into paid values ('x')";
      const text = fc.constantFrom(good, 'bogus');
      const transaction = fc.constantFrom(
        'begin',
        'commit',
        'rollback',
        'savepoint a',
        'rollback to a',
        'release a',
      );
      const simple = fc.oneof(text, transaction).map((one) => ({ sent: query(one), ready: 1 }));
      const part = fc.oneof(
        { weight: 4, arbitrary: text.map(run) },
        { weight: 1, arbitrary: fc.constant(flush) },
      );
      const pipeline = fc
        .array(part, { maxLength: 4 })
        .map((parts) => ({ sent: Buffer.concat([...parts, sync]), ready: 1 }));
      const session = fc.array(fc.oneof(simple, simple, pipeline), { minLength: 1, maxLength: 9 });

      interface Outcome {
        readonly pieces: readonly string[];
        readonly rows: number;
      }
      const outcome = async (
        port: number,
        pieces: readonly { sent: Uint8Array }[],
        apart: boolean,
      ): Promise<Outcome> => {
        await admin.query('delete from paid');
        const client = await raw(port);
        const all: BackendMessage[] = [];
        if (apart) for (const { sent } of pieces) all.push(...(await answers(client, sent)));
        else
          all.push(...(await answers(client, Buffer.concat(pieces.map(({ sent }) => sent)), pieces.length)));
        client.send(message(Frontend.terminate));
        await client.end();
        const texts = brief(all).map((one) => (one.startsWith('error') ? 'error' : one));
        const cut = texts.join(' ').split(/(?<=ready [ITE]) ?/);
        const pieceOf = (one: string): string => `${one.includes('error')} ${one.slice(-1)}`;
        return { pieces: cut.filter((one) => one !== '').map(pieceOf), rows: (await paid()).length };
      };

      it(
        'errors, the state of the transaction and what is left in the table are the same',
        async () => {
          const statements = Array<string>(60).fill(good);
          await fc.assert(
            fc.asyncProperty(session, fc.boolean(), async (pieces, apart) => {
              const proxy = await exact({ statements, allow: ['transactions'] });
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
    });
  },
);

/** Waits for each piece of what comes, and for the end. */
async function seen(client: RawClient, found: () => boolean): Promise<void> {
  while (!found() && !client.closed) {
    await new Promise<void>((next) => {
      const go = (): void => {
        client.socket.off('data', go).off('close', go);
        next();
      };
      client.socket.on('data', go).on('close', go);
    });
  }
}
