import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { passwordMessage } from '#core/protocols/postgres/frontend.ts';
import { encodeStartup } from '#core/protocols/postgres/startup.ts';
import { message } from '#core/protocols/postgres/wire.ts';
import type { Step } from '#core/replay/postgres/step.ts';
import { postgresSteps } from '#core/replay/postgres/steps.ts';
import { apiAs } from '#test/support/access-story.ts';
import { eventually, hasClient, libpqEnvironment, psql, startClient } from '#test/support/clients.ts';
import {
  configWithLegacy,
  type DebianPostgres,
  hasDebianPostgres,
  startDebianPostgres,
} from '#test/support/debian-postgres.ts';
import { freePortBase, type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { type RawClient, rawTls } from '#test/support/raw-client.ts';
import { bytesOf, framesOf, lastSession, sessions, verify } from '#test/support/recorded.ts';

const WITH_CLIENTS = hasDebianPostgres() && hasClient('psql') && hasClient('pg_basebackup');

describe.skipIf(!WITH_CLIENTS)('how sessions begin', () => {
  let gateway: LocalGateway;
  let server: DebianPostgres;
  let slow: Server;
  let ca: Buffer;
  const dialled: Socket[] = [];
  const scratch = mkdtempSync(join(tmpdir(), 'custody-startup-'));

  beforeAll(async () => {
    slow = createServer((socket) => void dialled.push(socket.on('error', () => undefined)));
    await new Promise<void>((ready) => slow.listen(0, '127.0.0.1', ready));
    const settings = ['wal_level=logical', 'max_connections=20'];
    server = await startDebianPostgres((await freePortBase()) + 2, 'scram-sha-256', { settings });
    execFileSync('psql', ['-XqAt', '-c', 'create role full_up login password $$x$$ connection limit 0'], {
      env: direct(),
    });
    gateway = await startLocalGateway({ prepare: configure });
    ca = readFileSync(gateway.addresses.ca);
  });
  afterAll(async () => {
    await gateway?.stop();
    await server?.stop();
    for (const socket of dialled) socket.destroy();
    slow?.close();
    rmSync(scratch, { recursive: true });
  });

  /** The environment of a client of the server itself. */
  function direct(): NodeJS.ProcessEnv {
    return {
      ...process.env,
      PGHOST: '127.0.0.1',
      PGPORT: String(server.port),
      PGUSER: 'app',
      PGPASSWORD: server.password,
      PGDATABASE: 'postgres',
    };
  }

  function configure(dataDir: string): void {
    configWithLegacy(dataDir, server);
    writeFileSync(join(dataDir, 'secrets', 'full-up'), 'x');
    const target = (name: string, more: string): string =>
      `  ${name}:\n    protocol: postgres\n    tls: { mode: disable }\n    ${more}\n`;
    const here = `address: "127.0.0.1:${server.port}"`;
    const targets = [
      target(
        'no_such',
        `${here}\n    database: nowhere\n    credential: { user: app, passwordFile: secrets/legacy-db }`,
      ),
      target(
        'full_up',
        `${here}\n    database: postgres\n    credential: { user: full_up, passwordFile: secrets/full-up }`,
      ),
      target(
        'bad_login',
        `${here}\n    database: postgres\n    credential: { user: app, passwordFile: secrets/full-up }`,
      ),
      target(
        'slow_db',
        `address: "127.0.0.1:${(slow.address() as AddressInfo).port}"\n    database: x\n    credential: { user: app, passwordFile: secrets/full-up }\n    connect: { timeout: 2s }`,
      ),
      target(
        'slower_db',
        `address: "127.0.0.1:${(slow.address() as AddressInfo).port}"\n    database: x\n    credential: { user: app, passwordFile: secrets/full-up }\n    connect: { timeout: 1m }`,
      ),
    ];
    const file = join(dataDir, 'custody.yaml');
    const yaml = readFileSync(file, 'utf8').replace('rules:\n', `${targets.join('')}rules:\n`);
    writeFileSync(
      file,
      yaml
        .replace('targets: [orders-db, legacy-db]', "targets: ['*']")
        .replace('[replay, export]', '[replay, export, terminate]'),
    );
  }

  async function known(): Promise<Set<string>> {
    return new Set((await sessions(gateway)).map(({ id }) => id));
  }

  async function steps(id: string): Promise<Step[]> {
    const frames = (await framesOf(gateway, id)).map(({ stream, withheld, timeUs, payload }) => ({
      stream,
      withheld,
      timeUs,
      payload,
    }));
    const found: Step[] = [];
    for await (const step of postgresSteps(frames)) found.push(step);
    return found;
  }

  async function raw(parameters: readonly (readonly [string, string | Uint8Array])[]): Promise<RawClient> {
    const client = await rawTls(gateway.addresses.postgres.port, ca);
    client.send(encodeStartup({ minor: 0, parameters }));
    await client.find('authentication-cleartext');
    client.send(passwordMessage(await gateway.token('developer')));
    return client;
  }

  const nodePostgres = async (database: string, more: pg.ClientConfig = {}): Promise<pg.Client> => {
    const { host, port } = gateway.addresses.postgres;
    const client = new pg.Client({
      host,
      port,
      user: 'dana',
      password: await gateway.token('developer'),
      database,
      ssl: { ca: ca.toString() },
      ...more,
    });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };

  describe("the process id is the target's own", () => {
    it('in node-postgres: its own notifications, pg_stat_activity, and pg_terminate_backend', async () => {
      const client = await nodePostgres('legacy-db');
      const { processID } = client as pg.Client & { readonly processID: number };
      expect((await client.query('select pg_backend_pid() as pid')).rows).toEqual([{ pid: processID }]);
      const heard = new Promise<pg.Notification>((told) => client.once('notification', told));
      await client.query('listen news; notify news');
      expect((await heard).processId).toBe(processID);
      const seen = await client.query('select query from pg_stat_activity where pid = $1', [processID]);
      expect(seen.rows[0].query).toContain('pg_stat_activity');
      const other = await nodePostgres('orders-db');
      expect((other as pg.Client & { readonly processID: number }).processID).toBe(
        (await other.query('select pg_backend_pid() as pid')).rows[0].pid,
      );
      await other.end();
      await expect(client.query('select pg_terminate_backend($1)', [processID])).rejects.toMatchObject({
        code: '57P01',
      });
    });

    it('in psql', async () => {
      const script =
        '\\set want `echo`\nselect pg_backend_pid() as real \\gset\nlisten n;\nnotify n;\n\\echo :real\n';
      const { stdout } = await psql(gateway, script, { database: 'legacy-db' });
      const [pid] = /^\d+$/m.exec(stdout) ?? [];
      expect(stdout).toContain(`received from server process with PID ${pid}.`);
    });
  });

  describe('what the target says of the session passes as it is', () => {
    it.each([
      ['42704, a setting that it does not know', 'legacy-db', { PGOPTIONS: '-c no_such_setting=1' }, {}],
      ['22023, a value that is none', 'legacy-db', { PGOPTIONS: '-c work_mem=much' }, {}],
      ['3D000, a database that is not there', 'no_such', {}, { PGDATABASE: 'nowhere' }],
      ['53300, too many connections for a role', 'full_up', {}, { PGUSER: 'full_up', PGPASSWORD: 'x' }],
      ['22023, a role that is not there', 'legacy-db', { PGOPTIONS: '-c role=nobody' }, {}],
      ['42601, options that are none', 'legacy-db', { PGOPTIONS: 'nonsense' }, {}],
    ])('%s', async (_what, database, more, own) => {
      const before = await known();
      const env = libpqEnvironment(gateway, await gateway.token('developer'), database);
      const args = ['-XAt', '-v', 'VERBOSITY=verbose', '-c', 'select 1'];
      const through = await startClient('psql', args, { ...env, ...more }).done;
      const here = await startClient('psql', args, { ...direct(), ...own, ...more }).done;
      const said = (stderr: string): string => stderr.replaceAll(/connection to server at .*? failed: /g, '');
      expect(said(through.stderr)).toBe(said(here.stderr));
      const { id, outcome } = await lastSession(gateway, before);
      expect(outcome?.reason).toBe('target-refused');
      expect((await steps(id))[0]).toMatchObject({
        kind: 'login',
        outcome: 'failed',
        error: { severity: 'FATAL' },
      });
      expect((await verify(gateway, id)).verdict).toBe('verified');
    });

    it("but of the gateway's own login nothing does (security case 15)", async () => {
      const { stderr } = await psql(gateway, 'select 1', { database: 'bad_login' });
      expect(stderr).toContain('FATAL:  the gateway could not log in to the target');
      expect(stderr).not.toMatch(/password authentication|"app"|28P01/);
      const told = (): boolean => gateway.said.includes('password authentication failed');
      await eventually('the log to say why', () => told() || undefined);
    });
  });

  describe('sslmode=prefer', () => {
    it.each([
      ['no access', 'auditor', 'legacy-db', 'there is no target "legacy-db" that you may connect to'],
      ['no such target', 'developer', 'nonsense', 'there is no target "nonsense" that you may connect to'],
      ['a target that refuses', 'developer', 'no_such', 'database "nowhere" does not exist'],
    ] as const)('%s: the true reason, and no other', async (_what, person, database, words) => {
      const env = libpqEnvironment(gateway, await gateway.token(person), database);
      const { stderr } = await startClient('psql', ['-Xc', 'select 1'], { ...env, PGSSLMODE: 'prefer' }).done;
      expect(stderr.match(/FATAL/g)).toHaveLength(1);
      expect(stderr).toContain(words);
    });

    it('a bad token: libpq tries without TLS too, and is told which error counts', async () => {
      const env = libpqEnvironment(gateway, 'not.a.token', 'legacy-db');
      const { stderr } = await startClient('psql', ['-Xc', 'select 1'], { ...env, PGSSLMODE: 'prefer' }).done;
      expect(stderr).toContain('the token is not valid here');
      expect(stderr).toContain('if another error came before this one, that is the true reason');
    });
  });

  describe('parameters', () => {
    const query = (sql: string): Uint8Array => message(0x51, Buffer.from(`${sql}\0`));

    it('in Latin-1, twice, and with an empty database are what they are at the server', async () => {
      const before = await known();
      const client = await raw([
        ['user', 'legacy-db'],
        ['application_name', 'first'],
        ['database', ''],
        ['client_encoding', 'LATIN1'],
        ['application_name', Buffer.from('Z\xfcrich', 'latin1')],
        ['custody.reason', 'why not'],
      ]);
      await client.find('ready-for-query');
      client.send(
        query("select current_setting('application_name'), current_setting('custody.reason', true) is null"),
      );
      const { values } = await client.find('data-row');
      expect(values.map(String)).toEqual(['Z?rich', 't']);
      client.socket.destroy();
      const { id } = await lastSession(gateway, before);
      expect(
        bytesOf(await framesOf(gateway, id), 'client').includes(Buffer.from('Z\xfcrich', 'latin1')),
      ).toBe(true);
      expect((await verify(gateway, id)).verdict).toBe('verified');
    });

    it.each([
      ['-c app.note=a\\ b', 'app.note', 'a b'],
      ['--search-path=x', 'search_path', 'x'],
      ['-c work_mem=1MB -c work_mem=2MB', 'work_mem', '2MB'],
      ['-S 100 -c custody.reason=x\\ y -c app.note=n', 'app.note', 'n'],
      ['-ec custody.target=legacy-db -c app.note=n\\\\m', 'app.note', 'n\\m'],
      ['-c app.note=custody.auth=x', 'app.note', 'custody.auth=x'],
    ])('options %j mean what they mean at the server', async (options, name, value) => {
      const client = await raw([
        ['user', 'dana'],
        ['database', 'legacy-db'],
        ['options', options],
      ]);
      await client.find('ready-for-query');
      client.send(query(`select current_setting('${name}')`));
      expect((await client.find('data-row')).values.map(String)).toEqual([value]);
      client.socket.destroy();
    });
  });

  describe('a target that is slow to log in', () => {
    it('has a clock of its own, and evidence says what was true', async () => {
      const before = await known();
      const started = performance.now();
      const { stderr } = await psql(gateway, 'select 1', { database: 'slow_db' });
      expect(performance.now() - started).toBeGreaterThan(1_900);
      expect(stderr).toContain('FATAL:  the target "slow_db" did not complete the login within 2 s');
      const { outcome, id } = await lastSession(gateway, before);
      expect(outcome?.reason).toBe('target-unreachable');
      expect((await verify(gateway, id)).verdict).toBe('verified');
    });

    it('is given up when the session has to end: an operator, who is not kept waiting', async () => {
      const dials = dialled.length;
      const waiting = psql(gateway, 'select 1', { database: 'slower_db' });
      const dial = await eventually('a dial', () => dialled[dials]);
      dial.resume();
      const session = await eventually('the session', async () =>
        (await sessions(gateway)).find(({ target, outcome }) => target === 'slower_db' && !outcome),
      );
      await apiAs(gateway, 'auditor').post(`/v1/sessions/${session.id}/termination`, { reason: 'enough' });
      expect((await waiting).stderr).toContain('an operator ended this session: enough');
      await eventually('the end of the dial', () => (dial.closed ? true : undefined));
      const ended = await eventually('its end', async () =>
        (await sessions(gateway)).find(({ id, outcome }) => id === session.id && outcome),
      );
      expect(ended.outcome?.reason).toBe('terminated');
    });

    it('is given up when its client goes away', async () => {
      const before = await known();
      const dials = dialled.length;
      const client = await raw([
        ['user', 'dana'],
        ['database', 'slow_db'],
      ]);
      const dial = await eventually('a dial', () => dialled[dials]);
      dial.resume();
      client.socket.destroy();
      const started = performance.now();
      await eventually('the end of the dial', () => (dial.closed || dial.destroyed ? true : undefined));
      expect(performance.now() - started).toBeLessThan(1_500);
      expect((await lastSession(gateway, before)).outcome?.reason).toBe('client-lost');
    });
  });

  describe('replication clients of PostgreSQL 15', () => {
    it('pg_basebackup names its target in its user, and makes a backup that is whole', async () => {
      const before = await known();
      const env = libpqEnvironment(gateway, await gateway.token('developer'));
      const folder = join(scratch, 'backup');
      // A thousand fsyncs of what is thrown away take a minute on a disk that is busy.
      const args = ['-D', folder, '-X', 'stream', '--checkpoint=fast', '--no-sync', '--no-password'];
      const { stderr, code } = await startClient('pg_basebackup', args, {
        ...env,
        PGUSER: 'dana+legacy-db',
        PGDATABASE: '',
      }).done;
      expect([code, stderr]).toEqual([0, expect.not.stringContaining('error') as string]);
      expect(readdirSync(folder)).toContain('backup_manifest');
      const ended = await eventually('both sessions to end', async () => {
        const fresh = (await sessions(gateway)).filter(({ id, outcome }) => !before.has(id) && outcome);
        return fresh.length >= 2 ? fresh : undefined;
      });
      for (const { id, target } of ended) {
        expect(target).toBe('legacy-db');
        expect(await verify(gateway, id)).toMatchObject({ verdict: 'verified', findings: [] });
      }
      const texts = (await Promise.all(ended.map(({ id }) => steps(id)))).flat();
      expect(texts.map(({ statement }) => statement?.text)).toContain('IDENTIFY_SYSTEM');
      expect(texts.some(({ statement }) => statement?.text.startsWith('BASE_BACKUP'))).toBe(true);
      expect(texts.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['copy-both', 'copy-out']));
      expect(texts.filter(({ kind }) => kind === 'damaged')).toEqual([]);
    });

    it('pg_receivewal names it in PGOPTIONS', async () => {
      const env = libpqEnvironment(gateway, await gateway.token('developer'));
      const folder = mkdtempSync(join(scratch, 'wal-'));
      const running = startClient('pg_receivewal', ['-D', folder, '--no-loop', '--no-password'], {
        ...env,
        PGDATABASE: '',
        PGOPTIONS: '-c custody.target=legacy-db',
      });
      const received = (name: string): number => statSync(join(folder, name)).blocks;
      await eventually('WAL', () =>
        readdirSync(folder).some((name) => /^[0-9A-F]{24}/.test(name) && received(name) > 0)
          ? true
          : undefined,
      );
      running.child.kill('SIGINT');
      expect((await running.done).stderr).not.toContain('FATAL');
    });

    it('who names none is told how', async () => {
      const env = libpqEnvironment(gateway, await gateway.token('developer'));
      const { stderr } = await startClient('pg_basebackup', ['-D', join(scratch, 'none'), '--no-password'], {
        ...env,
        PGDATABASE: '',
      }).done;
      expect(stderr).toContain('name the target in its user, as dana+TARGET');
    });
  });
});
