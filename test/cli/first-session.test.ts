import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { demoPeople } from '#adapters/local/demo-issuer.ts';
import { Browser, choose } from '#test/support/browser.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { custody, type Ran, startCustody, temporary } from './support.ts';

/** A client that knows libpq's variables and nothing else: it lists the most expensive products, then fails. */
const CLIENT = `
  import { readFileSync } from 'node:fs';
  import pg from 'pg';
  const client = new pg.Client({ ssl: { ca: readFileSync(process.env.PGSSLROOTCERT, 'utf8') } });
  client.on('error', () => undefined); // how a connection closes is looked at elsewhere
  await client.connect();
  await client.query('SELECT name, price FROM products ORDER BY price DESC, id LIMIT 2');
  await client.query('SELECT * FROM no_such_table').catch(() => undefined);
  await client.end();
  process.exitCode = 3;
`;

let local: LocalGateway;
beforeAll(async () => {
  local = await startLocalGateway();
});
afterAll(() => local.stop());

/** The login of README, by a browser without a screen. */
async function login(env: Readonly<Record<string, string>>): Promise<Ran> {
  const { api } = local.addresses;
  const running = startCustody(['login', '--no-browser', '--api', api], { env });
  running.child.once('close', () => running.child.stderr.emit('data', ''));
  const browser = new Browser();
  for (;;) {
    const address = /log in here: (\S+)\n/.exec(running.output.stderr)?.[1];
    if (address !== undefined) {
      await browser.get(await choose(browser, new URL(address), demoPeople.developer));
      return running.ended;
    }
    if (running.child.exitCode !== null) return running.ended;
    await once(running.child.stderr, 'data');
  }
}

test('log in, connect, list, play, pull, verify: the commands of README, with nothing that is made up', async () => {
  const home = join(temporary(), 'home');
  const env = { CUSTODY_HOME: home };
  expect(await login(env)).toMatchObject({ code: 0, stderr: expect.stringContaining('dana@example.com') });

  const worked = await custody(
    ['connect', 'orders-db', '--', process.execPath, '--input-type=module', '-e', CLIENT],
    { env },
  );
  expect(worked).toMatchObject({ code: 3, stderr: '' });

  const id = await vi.waitFor(async () => {
    const { stdout } = await custody(['sessions', '--json'], { env });
    const { sessions } = JSON.parse(stdout) as { sessions: { id: string; state: string }[] };
    expect(sessions).toMatchObject([{ state: 'closed', target: 'orders-db', outcome: { recovered: false } }]);
    return sessions[0]!.id;
  }, 20_000);

  const played = await custody(['play', id], { env });
  expect(played.stdout).toMatch(/SELECT name, price FROM products[\s\S]*\| price[\s\S]*\(2 rows\)/);
  expect(played.stdout).toContain('ERROR 42P01: relation "no_such_table" does not exist');

  await expectFound(id, env);

  const folder = join(temporary(), 'evidence');
  expect(await custody(['pull', id, '--out', folder], { env })).toMatchObject({ code: 0 });
  await expectOfflineVerdicts(folder, home);
});

/** By its words, its shape, its tables, what came back of it, and by every byte. */
async function expectFound(id: string, env: Readonly<Record<string, string>>): Promise<void> {
  const hits = async (...args: string[]) => {
    const { stdout } = await custody(['search', ...args, '--json'], { env });
    return (JSON.parse(stdout) as { hits: { session: string; matched: { excerpt: string }[] }[] }).hits;
  };
  const statement = 'SELECT name, price FROM products ORDER BY price DESC, id LIMIT 2';
  const [hit] = await vi.waitFor(async () => {
    const found = await hits('products', '--session', id);
    expect(found).toHaveLength(1);
    return found;
  }, 20_000);
  expect(hit).toMatchObject({ session: id, matched: [{ excerpt: statement }] });
  const shape = ['--statement', statement.replace('2', '9')];
  for (const args of [
    shape,
    ['--table', 'products:read'],
    ['order by price', '--person', 'dana@example.com'],
  ])
    expect(await hits(...args)).toMatchObject([{ session: id }]);
  expect(await hits('--code', '42P01', '--errors')).toMatchObject([{ session: id }]);
  expect(await hits('--table', 'products:written')).toEqual([]);

  const listed = await custody(['search', 'products', '--sessions'], { env });
  expect(listed.stdout).toMatch(new RegExp(`^${id} .* 1 +0 +0 +[0-9]+: SELECT name`, 'm'));
  const deep = await custody(['search', 'no_such_table', '--deep'], { env });
  expect(deep).toMatchObject({ code: 0, stdout: expect.stringMatching(/client, byte \d+: .*no_such_table/) });
  expect(deep.stderr).toContain('1 recording read');
}

/** Without an API and without a token: what an auditor does elsewhere. */
async function expectOfflineVerdicts(folder: string, home: string): Promise<void> {
  const env = { CUSTODY_API: 'http://127.0.0.1:1', CUSTODY_HOME: home };
  expect(await custody(['verify', folder], { env })).toMatchObject({ code: 0 });
  const withKey = ['verify', folder, '--key', local.addresses.signer];
  expect(await custody(withKey)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^VERIFIED /m) });
  flipBit(join(folder, '00000000.seg'));
  expect(await custody(withKey)).toMatchObject({ code: 1, stdout: expect.stringMatching(/^FAILED /m) });
}

function flipBit(file: string): void {
  const bytes = readFileSync(file);
  bytes[bytes.length >> 2]! ^= 1;
  writeFileSync(file, bytes);
}

test('the auditor may replay the session and may not connect; who runs the gateway may do neither', async () => {
  const auditor = await local.cliEnvironment('auditor', join(temporary(), 'auditor'));
  const { stdout } = await custody(['sessions', '--json'], { env: auditor });
  const { sessions } = JSON.parse(stdout) as { sessions: { id: string }[] };
  const id = sessions[0]!.id;
  expect(await custody(['verify', id], { env: auditor })).toMatchObject({ code: 0 });
  expect(await custody(['connect', 'orders-db', '--', 'true'], { env: auditor })).toMatchObject({ code: 1 });

  const admin = await local.cliEnvironment('admin', join(temporary(), 'admin'));
  expect(JSON.parse((await custody(['sessions', '--json'], { env: admin })).stdout)).toEqual({
    sessions: [],
  });
  for (const [command, code] of [
    ['show', 1],
    ['play', 2],
  ] as const) {
    const refused = await custody([command, id], { env: admin });
    expect(refused).toMatchObject({
      code,
      stdout: '',
      stderr: expect.stringContaining('no such session'),
    });
  }
});
