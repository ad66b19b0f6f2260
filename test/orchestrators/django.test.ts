/** A contract that is learned from an application that knows nothing of it: Django's admin, by what its requests say to the database. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CUSTODY } from '#test/cli/support.ts';
import { eventually, libpqEnvironment, type Ran, startClient } from '#test/support/clients.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';

const DJANGO = process.env['CUSTODY_DJANGO'];
const APP = fileURLToPath(new URL('django/app.py', import.meta.url));

if (!DJANGO && process.env['CUSTODY_REQUIRE_CLIENTS'])
  throw new Error('no Django: CUSTODY_DJANGO=$(.ci/django)');

interface Tested {
  readonly sessions: readonly {
    readonly commands: number;
    readonly fitting: number;
    readonly deviations: readonly { readonly seen: string; readonly expected: string }[];
  }[];
}

describe.runIf(DJANGO)("a contract that is learned from Django's admin", () => {
  let local: LocalGateway;
  let learned: string;
  let sessions: readonly string[];
  beforeAll(async () => {
    local = await startLocalGateway();
    const { database } = local.addresses;
    const password = readFileSync(join(local.dataDir, 'secrets', 'orders-db'), 'utf8').trim();
    const direct = {
      PGHOST: 'localhost',
      PGPORT: String(database.port),
      PGUSER: 'app',
      PGDATABASE: 'orders',
    };
    await app(['prepare'], { ...direct, PGPASSWORD: password });
    for (const number of [11, 13, 12]) await work(String(number), {});
    sessions = await eventually('three sessions', async () => {
      const { stdout } = await cli(['sessions', '--json', '--limit', '5']);
      const all = (JSON.parse(stdout) as { sessions: { id: string; state: string }[] }).sessions;
      const closed = all.filter(({ state }) => state === 'closed').map(({ id }) => id);
      return closed.length === 3 ? closed.toReversed() : undefined;
    });
    learned = (await cli(['workflow', 'learn', sessions[0]!, sessions[1]!, '--name', 'clerk'])).stdout;
  });
  afterAll(() => local?.stop());

  const cli = async (args: readonly string[]): Promise<Ran> => {
    const { PATH } = process.env;
    const home = join(local.dataDir, 'cli');
    const env = await local.cliEnvironment('developer', home);
    return startClient(CUSTODY, args, { ...env, PATH, HOME: home }).done;
  };

  /** Rejects when it fails, with what it said. */
  async function app(args: readonly string[], env: Record<string, string>): Promise<void> {
    const tls = { PGSSLMODE: 'verify-full', PGSSLROOTCERT: local.addresses.ca };
    const { code, stderr } = await startClient(join(DJANGO!, 'python'), [APP, ...args], { ...tls, ...env })
      .done;
    if (code !== 0) throw new Error(stderr);
  }

  async function work(number: string, more: Record<string, string>): Promise<void> {
    const env = libpqEnvironment(local, await local.token('developer')) as Record<string, string>;
    await app(['work', number], { ...env, ...more });
  }

  /** Into custody.yaml, as a reviewer left it. */
  async function declare(text: string): Promise<void> {
    const file = local.addresses.config;
    const workflows = text.split(/^workflows:\n/m)[1]!;
    const config = readFileSync(file, 'utf8').replace(/^ {2}clerk:\n[^]*(?=^webhooks:)/m, '');
    writeFileSync(
      file,
      config.replace(/^webhooks:/m, () => `${workflows}webhooks:`),
    );
    await eventually('the workflow', async () => {
      const shown = await cli(['workflow', 'show', 'clerk', '--json']);
      return shown.code === 0 ? true : undefined;
    });
  }

  const test = async (session: string): Promise<Tested['sessions'][number]> =>
    (JSON.parse((await cli(['workflow', 'test', 'clerk', session, '--json'])).stdout) as Tested).sessions[0]!;

  it('has one task with each of its statements once, whatever the values were', () => {
    expect(learned.match(/^ {6}\S+:$/gm)).toHaveLength(1);
    expect(learned).toContain('# Seen in 2 sessions.');
    expect(learned).not.toContain('left out');
    const statements = learned.match(/^ +statement:/gm)!.length;
    process.stdout.write(`learned: ${statements} statements, ${learned.length} bytes of YAML\n`);
    expect(statements).toBeLessThan(40);
  });

  it('fits what it was learned from, and of a third session all but a number of rows that was not seen', async () => {
    await declare(learned);
    for (const session of sessions.slice(0, 2)) expect((await test(session)).deviations).toEqual([]);
    const { commands, fitting, deviations } = await test(sessions[2]!);
    process.stdout.write(
      `third session: ${fitting} of ${commands} commands, ${JSON.stringify(deviations)}\n`,
    );
    expect(fitting).toBe(commands);
    expect(deviations.length).toBeLessThan(3);
    for (const { expected } of deviations) expect(expected).toMatch(/rows/);
  });

  it('is kept by the application as a task, once it is reviewed, and stops what the application never did', async () => {
    const reviewed = learned.replace(/rows:\n +min: \d+\n +max: \d+/g, 'rows: { min: 0 }');
    await declare(reviewed);
    const run = JSON.parse((await cli(['run', 'start', 'clerk', '--json'])).stdout) as {
      id: string;
      tasks: { name: string }[];
    };
    const { name } = run.tasks[0]!;
    const options = `-c custody.run=${run.id} -c custody.task=${name}`;
    await work('22', { PGOPTIONS: options });
    const shown = await cli(['run', 'show', run.id, '--wait', '60s']);
    expect([shown.code, shown.stdout]).toEqual([0, expect.stringContaining('✓')]);
    const sneak = ['-X', '-c', 'SELECT password FROM auth_user'];
    const psql = await cli(['run', 'task', run.id, name, '--', 'psql', ...sneak]);
    expect(psql.stderr).toContain('the contract has no such command');
  });
});
