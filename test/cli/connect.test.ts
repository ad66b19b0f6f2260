import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import type { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { makeSigner, pem } from '#test/support/evidence-builder.ts';
import { custody, environment, fakeApi, idToken, type Ran, startCustody } from './support.ts';

const CA = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
const TARGET = {
  name: 'orders-db',
  protocol: 'postgres',
  host: '127.0.0.1',
  port: 7432,
  database: 'orders-db',
  caPem: CA,
};
/** Resolves with the client's first output. */
async function up(stdout: Readable, ended: Promise<Ran>): Promise<void> {
  const early = ended.then(({ stderr }) => {
    throw new Error(`it ended without output: ${stderr}`);
  });
  await Promise.race([once(stdout, 'data'), early]);
}

const PRINT_ENV = 'console.log(JSON.stringify(process.env))';

async function gateway(target: object = TARGET) {
  const api = await fakeApi(pem(makeSigner()).toString());
  api.answers.set('/v1/targets', { targets: [target] });
  return { api, env: environment(api) };
}

describe('connect', () => {
  test("gives the client everything in libpq's variables, and the gateway's CA in a file", async () => {
    const { env } = await gateway();
    const inherited = { ...env, PGHOSTADDR: '203.0.113.1', PGSERVICE: 'elsewhere', PGSSLMODE: 'disable' };
    const ran = await custody(['connect', 'orders-db', '--', 'node', '-e', PRINT_ENV], { env: inherited });
    const seen = JSON.parse(ran.stdout) as Record<string, string>;
    expect(seen).toMatchObject({
      PGHOST: '127.0.0.1',
      PGPORT: '7432',
      PGDATABASE: 'orders-db',
      PGUSER: 'dana@example.com',
      PGPASSWORD: env.CUSTODY_TOKEN,
      PGSSLMODE: 'verify-full',
    });
    expect(seen).not.toHaveProperty('PGHOSTADDR');
    expect(seen).not.toHaveProperty('PGSERVICE');
    expect(readFileSync(seen['PGSSLROOTCERT']!, 'utf8')).toBe(CA);
  });

  test('the token is in no argument of any process', async () => {
    const { env } = await gateway();
    const { child, ended } = startCustody(
      ['connect', 'orders-db', '--', 'sh', '-c', 'echo up; exec sleep 60'],
      { env },
    );
    await up(child.stdout, ended);
    const commands = execFileSync('ps', ['-eo', 'args', '-ww'], { encoding: 'utf8' });
    child.kill('SIGTERM');
    await ended;
    expect(commands).toContain('sleep 60');
    expect(commands).not.toContain(env.CUSTODY_TOKEN);
  });

  test('passes arguments and exit code through', async () => {
    const { env } = await gateway();
    const ran = await custody(
      ['connect', 'orders-db', '--', 'sh', '-c', 'echo "$1"; exit 7', 'sh', '--json -x'],
      { env },
    );
    expect(ran).toMatchObject({ code: 7, stdout: '--json -x\n' });
  });

  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ] as const)('passes %s on, and ends as the client did', async (signal, code) => {
    const { env } = await gateway();
    const { child, ended } = startCustody(
      ['connect', 'orders-db', '--', 'sh', '-c', 'echo up; exec sleep 60'],
      { env },
    );
    await up(child.stdout, ended);
    child.kill(signal);
    expect((await ended).code).toBe(code);
  });

  test('a client that is not there, and a target that is not: one line, a hint, exit code 1', async () => {
    const { env } = await gateway();
    const noClient = await custody(['connect', 'orders-db', '--', 'no-such-client'], { env });
    expect(noClient).toMatchObject({ code: 1 });
    expect(noClient.stderr).toMatch(/custody: cannot run no-such-client: .*\nhint: .*\n$/);
    const noTarget = await custody(['connect', 'nothing', '--', 'true'], { env });
    expect(noTarget).toMatchObject({ code: 1 });
    expect(noTarget.stderr).toMatch(
      /there is no target nothing that you may connect to\nhint: there are: orders-db\n$/,
    );
  });

  // Security case 19: what the API says goes into an environment and a shell.
  test.each([
    ['host', "x'; touch /tmp/owned; '"],
    ['host', '/var/run/postgresql'],
    ['name', '../../ca'],
    ['port', 70_000],
  ])('a hostile %s is refused', async (member, value) => {
    const { env } = await gateway({ ...TARGET, [member]: value });
    const ran = await custody(['env', 'orders-db'], { env });
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toContain('in a shape this custody does not know');
  });
});

describe('env', () => {
  test('is what a shell can evaluate, whatever the values hold', async () => {
    const { env } = await gateway({ ...TARGET, database: "it's $(id) `id`" });
    const { stdout } = await custody(['env', 'orders-db'], { env });
    const script = `${stdout}\nprintf %s "$PGDATABASE|$PGPORT|$PGPASSWORD"`;
    expect(execFileSync('sh', ['-c', script], { encoding: 'utf8' })).toBe(
      `it's $(id) \`id\`|7432|${env.CUSTODY_TOKEN}`,
    );
  });

  test('--json is one object', async () => {
    const { env } = await gateway();
    const { stdout } = await custody(['env', 'orders-db', '--json'], { env });
    expect(JSON.parse(stdout)).toMatchObject({ PGHOST: '127.0.0.1', PGPASSWORD: env.CUSTODY_TOKEN });
  });
});

describe('CUSTODY_TOKEN', () => {
  test('that has expired is refused before anything is asked', async () => {
    const { api, env } = await gateway();
    const expired = { ...env, CUSTODY_TOKEN: idToken({ exp: 1 }) };
    const ran = await custody(['targets'], { env: expired });
    expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining('has expired') as string });
    expect(api.requests).toEqual([]);
  });

  test('is not sent over plain http to another machine', async () => {
    const { env } = await gateway();
    const ran = await custody(['targets'], { env: { ...env, CUSTODY_API: 'http://192.0.2.1:7402' } });
    expect(ran).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('cannot be used\nhint: ') as string,
    });
  });
});

describe('the signing key', () => {
  test('is pinned at first use, for the owner alone', async () => {
    const { env } = await gateway();
    const first = await custody(['targets'], { env });
    expect(first.stderr).toMatch(/^pinned the signing key of .* at first use: [0-9a-f]{64}$/m);
    expect(statSync(env.CUSTODY_HOME).mode & 0o777).toBe(0o700);
    expect((await custody(['targets'], { env })).stderr).toBe('');
  });

  test('that changed is refused loudly, until the old one is moved away', async () => {
    const { api, env } = await gateway();
    await custody(['targets'], { env });
    api.answers.set('/v1/signer', { pem: pem(makeSigner()).toString() });
    const refused = await custody(['targets'], { env });
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/SIGNING KEY OF THE GATEWAY HAS CHANGED.*\nhint: .*mv .*signer\.pem/);
    const command = /mv \S+ \S+/.exec(refused.stderr)![0];
    execFileSync('sh', ['-c', command]);
    expect(await custody(['targets'], { env })).toMatchObject({ code: 0 });
  });
});
