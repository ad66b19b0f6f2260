import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { custody, startCustody, temporary } from '#test/cli/support.ts';
import { eventually, hasClient, libpqEnvironment } from '#test/support/clients.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { sessions } from '#test/support/recorded.ts';
import type { DemoRole } from '#adapters/local/demo-issuer.ts';

const RULES = `  - name: reviewers-watch
    groups: [reviewers]
    targets: ['*']
    allow: [replay]
    sessions: any
`;

interface Told {
  readonly event: string;
  readonly n?: number;
  readonly step?: { readonly kind: string; readonly statement?: { readonly text: string } };
  readonly reason?: string;
  readonly verdict?: string;
}

describe.skipIf(!hasClient('psql'))('custody watch of a session that runs', () => {
  let gateway: LocalGateway;
  beforeAll(async () => {
    gateway = await startLocalGateway();
    const file = join(gateway.dataDir, 'custody.yaml');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace('  - name: auditors\n', `${RULES}$&`));
    await eventually('the rules', () => /custody.yaml was changed; in force/.test(gateway.said) || undefined);
  }, 60_000);
  afterAll(() => gateway?.stop());

  /** psql that is told line by line what to do. */
  async function typing(): Promise<{
    readonly child: ChildProcess;
    readonly id: string;
    type(sql: string): void;
    said(): string;
  }> {
    const before = new Set((await sessions(gateway)).map(({ id }) => id));
    const env = libpqEnvironment(gateway, await gateway.token('developer'));
    const child = spawn('psql', ['-XAtq'], { env, stdio: ['pipe', 'pipe', 'pipe'] });
    onTestFinished(() => void child.kill());
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk));
    const opened = async () => (await sessions(gateway)).find(({ id }) => !before.has(id));
    const { id } = await eventually('the session', opened);
    return { child, id, type: (sql) => void child.stdin.write(`${sql}\n`), said: () => said };
  }

  async function watching(id: string, args: readonly string[] = [], who: DemoRole = 'auditor') {
    const env = await gateway.cliEnvironment(who, temporary());
    const { child, output, ended } = startCustody(['watch', id, '--json', ...args], { env });
    const told = (): Told[] =>
      output.stdout
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Told);
    const texts = (): string[] => told().flatMap(({ step }) => step?.statement?.text ?? []);
    return { child, output, ended, told, texts };
  }

  it('shows each statement while psql goes on, and the end with its verdict', async () => {
    const session = await typing();
    session.type("select 'first';");
    const watch = await watching(session.id);
    await eventually('the first statement', () => watch.texts().includes("select 'first';") || undefined);
    session.type("select 'second';");
    await eventually('the second', () => watch.texts().includes("select 'second';") || undefined);
    const late = await watching(session.id, ['--from', 'now']);
    await eventually('nothing yet', () => watch.told().length > 0 || undefined);
    session.type('\\q');
    expect((await watch.ended).code).toBe(0);
    expect(watch.told().at(-1)).toMatchObject({
      event: 'end',
      of: 'session',
      reason: 'client-closed',
      verdict: 'verified',
    });
    await late.ended;
    const played = await custody(['play', session.id, '--json'], {
      env: await gateway.cliEnvironment('auditor', temporary()),
    });
    const all = played.stdout
      .split('\n')
      .filter((line) => line.includes('"at"'))
      .map((line) => JSON.parse(line) as { kind: string });
    const steps = watch.told().filter(({ event }) => event === 'step');
    expect(steps.map(({ n }) => n)).toEqual(all.map((_, at) => at + 1));
    expect(steps.map(({ step }) => step!.kind)).toEqual(all.map(({ kind }) => kind));
  });

  it('goes on over kill -9 of the gateway, with what was durable, and tells the recovered end', async () => {
    const session = await typing();
    session.type("select 'before';");
    const watch = await watching(session.id);
    await eventually('the statement', () => watch.texts().includes("select 'before';") || undefined);
    await gateway.kill9();
    expect((await watch.ended).code).toBe(0);
    expect(watch.told().at(-1)).toMatchObject({ reason: 'recovered', verdict: 'verified' });
  });

  it('ends the session when the watcher leaves and meant that', async () => {
    const session = await typing();
    session.type("select 'work';");
    const watch = await watching(session.id, ['--end-on-leave', '--reason', 'seen enough'], 'reviewer');
    await eventually(
      'the statement',
      () => watch.texts().includes("select 'work';") || watch.output.stderr || undefined,
    );
    watch.child.kill('SIGINT');
    await watch.ended;
    expect(watch.output.stderr).toContain('it ends within 5 s');
    const outcome = async () => (await sessions(gateway)).find(({ id }) => id === session.id)?.outcome;
    expect(await eventually('its end', outcome)).toMatchObject({ reason: 'terminated' });
    session.type('select 1;');
    await eventually('psql to be told', () => session.said().includes('seen enough') || undefined);
  });

  it('tells somebody who may not know of it that there is no such session', async () => {
    const session = await typing();
    const watch = await watching(session.id, [], 'admin');
    expect((await watch.ended).code).not.toBe(0);
    expect(watch.output.stderr).toContain('no such session');
  });
});
