import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, hasClient, libpqEnvironment, psql, startClient } from '#test/support/clients.ts';
import {
  configWithLegacy,
  type DebianPostgres,
  hasDebianPostgres,
  startDebianPostgres,
} from '#test/support/debian-postgres.ts';
import { freePortBase, type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { lastSession, sessions, verify } from '#test/support/recorded.ts';

/** A target of Debian's version, as its pg_dump takes no newer one; it asks for md5, the demo's for SCRAM. */
describe.skipIf(!hasDebianPostgres() || !hasClient('pg_dump'))(
  'an older PostgreSQL behind the gateway',
  () => {
    let target: DebianPostgres;
    let gateway: LocalGateway;
    beforeAll(async () => {
      target = await startDebianPostgres((await freePortBase()) + 40, 'md5');
      gateway = await startLocalGateway({ prepare: (dataDir) => configWithLegacy(dataDir, target) });
    });
    afterAll(async () => {
      await gateway?.stop();
      await target?.stop();
    });

    const on = { database: 'legacy-db' };

    it('moves a schema with pg_dump | psql', async () => {
      const made = await psql(
        gateway,
        'create schema a; create table a.t as select g as id, md5(g::text) as v from generate_series(1, 20000) g; create index on a.t (id);',
        on,
      );
      expect(made).toMatchObject({ code: 0, stderr: '' });
      const env = libpqEnvironment(gateway, await gateway.token('developer'), 'legacy-db');
      const dump = await startClient('pg_dump', ['--no-owner', '-n', 'a'], env).done;
      expect(dump.stderr).toBe('');
      const restored = await psql(
        gateway,
        dump.stdout.replaceAll(/\ba\./g, 'b.').replace('CREATE SCHEMA a', 'CREATE SCHEMA b'),
        on,
      );
      expect(restored).toMatchObject({ code: 0, stderr: '' });
      const same = await psql(
        gateway,
        'select count(*) from (table a.t except table b.t) d; select count(*) from b.t;',
        on,
      );
      expect(same.stdout).toBe('0\n20000\n');
    });

    it('says so when the target goes away in the middle, and when it is not there at all', async () => {
      const env = libpqEnvironment(gateway, await gateway.token('developer'), 'legacy-db');
      const before = new Set((await sessions(gateway)).map((session) => session.id));
      const running = startClient('psql', ['-XAtc', 'select pg_sleep(30)'], env);
      const { id } = await eventually('its session', async () =>
        (await sessions(gateway)).find((session) => !before.has(session.id)),
      );
      await eventually('the query to run', async () => {
        const busy = await psql(
          gateway,
          "select 1 from pg_stat_activity where query = 'select pg_sleep(30)'",
          on,
        );
        return busy.stdout === '1\n' ? true : undefined;
      });
      await target.kill();
      expect((await running.done).stderr).toMatch(
        /terminating connection|closed the connection unexpectedly/,
      );
      const outcome = await eventually(
        'its end',
        async () => (await sessions(gateway)).find((session) => session.id === id)?.outcome,
      );
      expect(outcome.reason).toMatch(/^target-(closed|lost)$/);
      expect((await verify(gateway, id)).verdict).toBe('verified');
      const known = new Set((await sessions(gateway)).map((session) => session.id));
      const refused = await psql(gateway, 'select 1', on);
      expect(refused.stderr).toContain('the target "legacy-db" cannot be reached');
      expect(refused.stderr).toContain('HINT');
      expect((await lastSession(gateway, known)).outcome?.reason).toBe('target-unreachable');
      await target.start();
      expect((await psql(gateway, 'select 1', on)).stdout).toBe('1\n');
    });
  },
);
