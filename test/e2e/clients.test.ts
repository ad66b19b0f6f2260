import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { durabilityModes } from '#core/recording/format.ts';
import { eventually, hasClient, libpqEnvironment, psql, startClient } from '#test/support/clients.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { bytesOf, framesOf, lastSession, sessions, verify } from '#test/support/recorded.ts';

describe.each(durabilityModes)('%s durability', (durability) => {
  let gateway: LocalGateway;
  const scratch = mkdtempSync(join(tmpdir(), 'custody-e2e-'));
  beforeAll(async () => {
    gateway = await startLocalGateway();
    if (durability === 'windowed') return;
    const { config } = gateway.addresses;
    writeFileSync(
      config,
      readFileSync(config, 'utf8').replace('durability: windowed', `durability: ${durability}`),
    );
    await gateway.restart();
  });
  afterAll(() => gateway?.stop());

  async function nodeClient(): Promise<pg.Client> {
    const { host, port } = gateway.addresses.postgres;
    const client = new pg.Client({
      host,
      port,
      user: 'dana',
      password: await gateway.token('developer'),
      database: 'orders-db',
      ssl: { ca: readFileSync(gateway.addresses.ca, 'utf8'), rejectUnauthorized: true },
    });
    await client.connect();
    return client;
  }

  function openStatement(id: string): unknown {
    return JSON.parse(readFileSync(join(gateway.dataDir, 'store', 'sessions', id, 'open.json'), 'utf8'));
  }

  describe.skipIf(!hasClient('psql'))('psql through the gateway', () => {
    it('queries, and the rows are in a recording that verifies', async () => {
      const { stdout, code } = await psql(gateway, "select count(*) from orders; select 'needle-in-a-row';");
      expect([stdout, code]).toEqual(['400\nneedle-in-a-row\n', 0]);
      const { id, outcome } = await lastSession(gateway);
      expect(outcome?.reason).toBe('client-closed');
      expect(openStatement(id)).toMatchObject({ durability: { mode: durability, windowMs: 250 } });
      expect(await verify(gateway, id)).toMatchObject({ verdict: 'verified', findings: [] });
      const frames = await framesOf(gateway, id);
      expect(bytesOf(frames, 'target').includes('needle-in-a-row')).toBe(true);
      expect(bytesOf(frames, 'client').includes('select count(*) from orders')).toBe(true);
    });

    it('tells the client what failed, as the server says it', async () => {
      const { stderr, code } = await psql(gateway, 'select nonsense;');
      expect(stderr).toContain('ERROR:  column "nonsense" does not exist');
      expect(code).toBe(3);
    });

    it('copies out and in again, byte for byte', async () => {
      const file = join(scratch, 'copy.csv');
      await psql(
        gateway,
        `\\copy (select g, repeat(md5(g::text), 9) from generate_series(1, 60000) g) to '${file}' csv`,
      );
      const back = await psql(
        gateway,
        `create temp table t (a int, b text);\n\\copy t from '${file}' csv\nselect count(*), sum(a), md5(string_agg(b, '' order by a)) from t;`,
      );
      const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
      const expected = createHash('md5')
        .update(lines.map((line) => line.split(',')[1]).join(''))
        .digest('hex');
      expect(back.stdout).toBe(`60000|1800030000|${expected}\n`);
    });

    it('carries a value of 100 MB', async () => {
      const { stdout } = await psql(gateway, "select repeat('custody!', 12500000);");
      expect(stdout.length).toBe(100_000_001);
      expect(stdout === `${'custody!'.repeat(12_500_000)}\n`).toBe(true);
      const { id, outcome } = await lastSession(gateway);
      expect(outcome!.bytes).toBeGreaterThan(100_000_000);
      expect((await verify(gateway, id)).verdict).toBe('verified');
    });

    it('cancels on Ctrl-C, and only the query of whoever pressed it (security case 24)', async () => {
      const env = libpqEnvironment(gateway, await gateway.token('developer'));
      const holder = await nodeClient();
      await holder.query('select pg_advisory_lock(24)');
      const wait = "select 'waited' from pg_advisory_lock(24)";
      const [mine, other] = [1, 2].map(() => startClient('psql', ['-XAtc', wait], env));
      await eventually('both to wait', async () => {
        const waiting = "select 1 from pg_stat_activity where wait_event = 'advisory'";
        return (await holder.query(waiting)).rowCount === 2 ? true : undefined;
      });
      mine!.child.kill('SIGINT');
      expect((await mine!.done).stderr).toContain('canceling statement due to user request');
      await holder.end();
      expect((await other!.done).stdout).toContain('waited');
    });

    it('delivers notifications', async () => {
      const { stdout } = await psql(gateway, "listen news;\nnotify news, 'extra extra';\nselect 1;");
      expect(stdout).toContain('Asynchronous notification "news" with payload "extra extra"');
    });
  });

  describe.skipIf(!hasClient('pgbench'))('pgbench through the gateway', () => {
    it('initialises and runs in all three protocols', async () => {
      const env = libpqEnvironment(gateway, await gateway.token('developer'));
      const init = await startClient('pgbench', ['-i', '-I', 'dtgp', '-s', '1', '-q'], env).done;
      expect(init.code).toBe(0);
      for (const mode of ['simple', 'extended', 'prepared']) {
        const run = await startClient('pgbench', ['-n', '-M', mode, '-c', '4', '-j', '2', '-t', '10'], env)
          .done;
        expect(run.stdout, mode).toContain('number of transactions actually processed: 40/40');
      }
    });
  });

  describe('node-postgres through the gateway', () => {
    it('queries, prepares and pipelines', async () => {
      const client = await nodeClient();
      const prepared = { name: 'by-id', text: 'select name from customers where id = $1' };
      const names = await Promise.all([1, 2, 3].map((id) => client.query({ ...prepared, values: [id] })));
      expect(names.map(({ rows }) => rows[0].name)).toEqual(['Ben Novak', 'Chiara Rossi', 'Dilan Yilmaz']);
      await client.end();
    });
  });

  describe('secrets (security case 15)', () => {
    it("leaves neither a token nor the target's password in store, journal, log or process arguments", async () => {
      const token = await gateway.token('developer');
      const password = readFileSync(join(gateway.dataDir, 'secrets', 'orders-db'), 'utf8').trim();
      await psql(gateway, 'select 1;', { token });
      await lastSession(gateway);
      const places: [string, Buffer][] = [
        ['log', Buffer.from(gateway.said)],
        ['arguments', readFileSync(`/proc/${gateway.gatewayPid}/cmdline`)],
      ];
      for (const folder of ['store', 'journal']) {
        for (const name of readdirSync(join(gateway.dataDir, folder), {
          recursive: true,
          encoding: 'utf8',
        })) {
          const bytes = contentOf(join(gateway.dataDir, folder, name));
          if (bytes !== undefined) places.push([name, bytes]);
        }
      }
      for (const { id } of await sessions(gateway)) {
        const frames = await framesOf(gateway, id).catch(() => []);
        places.push([
          id,
          Buffer.concat(frames.map(({ payload }) => payload).filter(({ length }) => length < 1e5)),
        ]);
      }
      for (const [place, bytes] of places) {
        expect(bytes.includes(token), `token in ${place}`).toBe(false);
        expect(bytes.includes(password), `password in ${place}`).toBe(false);
      }
    });
  });
});

/** Undefined for a folder, and for an entry of the journal that has become a segment since its folder was listed. */
function contentOf(path: string): Buffer | undefined {
  try {
    return statSync(path).isFile() ? readFileSync(path) : undefined;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw thrown;
  }
}
