import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { custody, temporary } from './support.ts';

let local: LocalGateway;
beforeAll(async () => {
  local = await startLocalGateway();
});
afterAll(() => local.stop());

/** What `custody login --workload` and then psql say in a job of the demo's repository. */
async function inJob(...of: readonly string[]) {
  const exported = await custody(['demo', 'job', 'deploy', ...of, '--data-dir', local.dataDir]);
  const job = [...exported.stdout.matchAll(/^export (\w+)='(.*)'$/gm)].map(([, name, value]) => [
    name!,
    value!,
  ]);
  const home = { CUSTODY_HOME: join(temporary(), 'home'), CUSTODY_API: local.addresses.api };
  const env = { ...home, ...(Object.fromEntries(job) as Record<string, string>) };
  const login = await custody(['login', '--workload'], { env });
  return { login, psql: await custody(['connect', 'orders-db', '--', 'psql', '-Atc', 'select 1'], { env }) };
}

test('a job of the deployed branch logs in as a machine and connects', async () => {
  const { login, psql } = await inJob();
  expect(login).toMatchObject({ code: 0 });
  expect(login.stderr).toContain('logged in as repo:acme/shop:ref:refs/heads/main\n');
  expect(psql).toEqual({ code: 0, stdout: '1\n', stderr: '' });
});

test('a job of another branch connects to nothing', async () => {
  const { psql } = await inJob('--ref', 'refs/heads/main2');
  expect(psql.code).not.toBe(0);
  expect(psql.stdout).toBe('');
  expect(psql.stderr).toContain('there is no target orders-db that you may connect to');
});
