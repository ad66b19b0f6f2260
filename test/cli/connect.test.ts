import { execFileSync, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { shellLines, shells } from '#cli/shells.ts';
import { hasClient } from '#test/support/clients.ts';
import { makeSigner, pem } from '#test/support/evidence-builder.ts';
import { custody, environment, fakeApi, idToken, type Ran, startCustody, temporary } from './support.ts';

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

  // POSIX, "Exit Status for Commands": 127 is not found, 126 is not to be executed.
  test.each([
    ['no-such-client', 127],
    ['/no/such/client', 127],
    ['', 127],
    ['/etc/passwd', 126],
    ['/etc', 126],
    ['/etc/passwd/client', 126],
  ])(
    'a client that cannot be run, %j: one line, a hint, exit code %d as of a shell',
    async (client, code) => {
      const { env } = await gateway();
      const ran = await custody(['connect', 'orders-db', '--', client], { env });
      expect(ran).toMatchObject({ code, stdout: '' });
      expect(ran.stderr).toMatch(/custody: cannot run .*: .*\nhint: .*\n$/);
      const shell = spawnSync('bash', ['-c', '"$0"', client], { encoding: 'utf8' });
      expect(shell.status).toBe(code);
    },
  );

  test('an option after the target, which is taken for a client, is told its place', async () => {
    const { env } = await gateway();
    const ran = await custody(['connect', 'orders-db', '--reason', 'x', '--', 'true'], { env });
    expect(ran).toMatchObject({ code: 127, stdout: '' });
    expect(ran.stderr).toContain('an option of connect stands before the target');
  });

  test('arguments that are too long for the system are no stack trace', async () => {
    const { env } = await gateway();
    const shown = await custody(['env', 'orders-db'], { env });
    const long = { ...env, PGOPTIONS: 'x'.repeat(120_000), CUSTODY_TOKEN: env.CUSTODY_TOKEN };
    const reason = 'y'.repeat(20_000);
    const ran = await custody(['connect', '--reason', reason, 'orders-db', '--', 'true'], { env: long });
    expect([shown.code, ran.code]).toEqual([0, 126]);
    expect(ran.stderr).toMatch(/custody: cannot run true: .*\nhint: .*\n$/);
  });

  test('of libpq gets what notices a gateway that vanished; no other driver does', async () => {
    const { env } = await gateway();
    const bin = temporary();
    for (const name of ['psql', 'other']) {
      writeFileSync(join(bin, name), '#!/bin/sh\necho "$PGSERVICE|$PGSERVICEFILE|$PGCONNECT_TIMEOUT"\n', {
        mode: 0o755,
      });
    }
    const run = async (...command: string[]): Promise<string> => {
      const path = `${bin}:${process.env['PATH']}`;
      const given = { ...env, PATH: path, PGSERVICE: 'elsewhere', PGSERVICEFILE: '/mine' };
      return (await custody(['connect', 'orders-db', '--', ...command], { env: given })).stdout.trim();
    };
    const file = join(env.CUSTODY_HOME, 'libpq-service.conf');
    expect(await run('psql')).toBe(`custody|${file}|20`);
    expect(await run(join(bin, 'psql'), '-c', 'select 1')).toBe(`custody|${file}|20`);
    expect(await run('psql', 'service=mine')).toBe('|/mine|20');
    expect(await run('other')).toBe('|/mine|20');
    expect(readFileSync(file, 'utf8')).toMatch(/^\[custody\]\n(?:\w+=\d+\n)+$/m);
  });

  test("leaves the user's own patience, and waits for approvals as long as the API says", async () => {
    const { env } = await gateway({ ...TARGET, connectSeconds: 140 });
    const timeout = async (more: object): Promise<string | undefined> => {
      const ran = await custody(['env', 'orders-db', '--json'], { env: { ...env, ...more } });
      return (JSON.parse(ran.stdout) as Record<string, string>)['PGCONNECT_TIMEOUT'];
    };
    expect(await timeout({})).toBe('140');
    expect(await timeout({ PGCONNECT_TIMEOUT: '3' })).toBe('3');
  });

  test('a target that is not there: one line, a hint, exit code 1', async () => {
    const { env } = await gateway();
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

  const NASTY = `it's \\ $(id) \`id\` "!x" %PATH% ünï`;

  const programs = [
    ['sh', ['-c']],
    ['bash', ['-c']],
    ['fish', ['-c']],
    ['tcsh', ['-f', '-c']],
  ] as const;
  test.each(programs.filter(([name]) => hasClient(name)))(
    '%s gets what it evaluates to the letter',
    async (program, args) => {
      const { env } = await gateway({ ...TARGET, database: NASTY });
      const shell = { fish: 'fish', tcsh: 'csh' }[program as string] ?? 'sh';
      const { stdout } = await custody(['env', 'orders-db', '--shell', shell], { env });
      const script = `${stdout}\n${process.execPath} -p 'JSON.stringify([process.env.PGDATABASE, process.env.PGSERVICE])'`;
      const inherited = { ...process.env, PGSERVICE: 'elsewhere', HOME: temporary() };
      const ran = execFileSync(program, [...args, script], { encoding: 'utf8', env: inherited });
      expect(JSON.parse(ran)).toEqual([NASTY, null]);
    },
  );

  test.each([
    ['sh', `export A='it'\\''s \\ !'`, 'unset B'],
    ['fish', `set -gx A 'it\\'s \\\\ !'`, 'set -e B'],
    ['csh', `setenv A 'it'\\''s \\ \\!'`, 'unsetenv B'],
  ])('%s is written so', (name, set, unset) => {
    expect(shellLines(shells[name]!, { A: "it's \\ !", B: undefined })).toEqual([set, unset]);
  });

  test('a shell that is not known is named', async () => {
    const { env } = await gateway();
    const ran = await custody(['env', 'orders-db', '--shell', 'cmd'], { env });
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toContain('sh, fish, csh');
  });

  test('--libpq adds the service', async () => {
    const { env } = await gateway();
    const { stdout } = await custody(['env', 'orders-db', '--libpq'], { env });
    expect(stdout).toContain("export PGSERVICE='custody'\n");
    expect(stdout).toContain("export PGSERVICEFILE='");
  });

  test('where a public CA vouches for the gateway, libpq gets those of the machine in a file', async () => {
    const { env } = await gateway({ ...TARGET, caPem: undefined });
    const { stdout } = await custody(['env', 'orders-db', '--json'], { env });
    const { PGSSLROOTCERT: file } = JSON.parse(stdout) as Record<string, string>;
    const pem = readFileSync(file!, 'utf8');
    expect(pem.match(/-----BEGIN CERTIFICATE-----/g)!.length).toBeGreaterThan(50);
    expect(new X509Certificate(pem).ca).toBe(true);
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
