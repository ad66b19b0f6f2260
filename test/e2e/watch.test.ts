import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { DemoRole } from '#adapters/local/demo-issuer.ts';
import { CUSTODY, custody, startCustody, temporary } from '#test/cli/support.ts';
import { eventually, hasClient, libpqEnvironment } from '#test/support/clients.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { bytesOf, framesOf, sessions } from '#test/support/recorded.ts';
import { hasOpenSsh } from '#test/support/ssh-tools.ts';

const RULES = `  - name: reviewers-watch
    groups: [reviewers]
    targets: ['*']
    allow: [replay]
    sessions: any
  - name: only-watched
    groups: [developers]
    targets: [ledger-db, vault-1]
    allow: [connect]
    moderated: { by: { any: [reviewers] }, wait: 15s }
  - name: watched-soon
    groups: [developers]
    targets: [ledger-2]
    allow: [connect]
    moderated: { by: { any: [reviewers] }, wait: 2s }
`;

/** The demo's targets once more, under other names. */
function moderated(yaml: string): string {
  const copy = (from: string, to: string): string =>
    new RegExp(`^  ${from}:.*\\n(?:    .*\\n)+`, 'm').exec(yaml)![0].replace(from, to);
  return yaml.replace(
    'targets:\n',
    `$&${copy('orders-db', 'ledger-db')}${copy('orders-db', 'ledger-2')}${copy('web-1', 'vault-1')}`,
  );
}

interface Typing {
  readonly id: string;
  type(line: string): void;
  said(): string;
  readonly ended: Promise<number | null>;
}

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
    gateway = await startLocalGateway({ args: ['--demo-ssh'] });
    const file = join(gateway.dataDir, 'custody.yaml');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, moderated(text).replace('  - name: auditors\n', `${RULES}$&`));
    for (const taken of [/custody.yaml was changed; in force/, /config-in-force/])
      await eventually('the rules', () => taken.test(gateway.said) || undefined);
  }, 60_000);
  afterAll(() => gateway?.stop());

  /** A client that is told line by line what to do, and its session. */
  async function typing(database = 'orders-db'): Promise<Typing> {
    const env = libpqEnvironment(gateway, await gateway.token('developer'), database);
    return typed('psql', ['-XAtq'], env);
  }

  async function typed(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Typing> {
    const before = new Set((await sessions(gateway)).map(({ id }) => id));
    const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
    child.stdin.on('error', () => undefined);
    onTestFinished(() => void child.kill());
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const ended = once(child, 'close').then(([code]) => code as number | null);
    const opened = async () => (await sessions(gateway)).find(({ id }) => !before.has(id));
    const { id } = await eventually('the session', opened);
    return { id, type: (line) => void child.stdin.write(`${line}\n`), said: () => said, ended };
  }

  const outcomeOf = async (id: string) => (await sessions(gateway)).find((one) => one.id === id)?.outcome;

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
    expect(await eventually('its end', () => outcomeOf(session.id))).toMatchObject({ reason: 'terminated' });
    session.type('select 1;');
    await eventually('psql to be told', () => session.said().includes('seen enough') || undefined);
  });

  it('tells somebody who may not know of it that there is no such session', async () => {
    const session = await typing();
    const watch = await watching(session.id, [], 'admin');
    expect((await watch.ended).code).not.toBe(0);
    expect(watch.output.stderr).toContain('no such session');
  });

  describe('a session that runs only while somebody watches', () => {
    const notes = async (id: string): Promise<string[]> =>
      bytesOf(await framesOf(gateway, id), 'note')
        .toString()
        .match(/moderator-[a-z]+/g) ?? [];

    it('psql and ssh wait for a watcher, work, and end when the watcher has left', async () => {
      const psql = await psqlUnwatched();
      const ssh = hasOpenSsh() ? await sshUnwatched() : undefined;
      expect(await psql()).toEqual(['moderator-awaited', 'moderator-came', 'moderator-left']);
      await ssh?.();
    }, 40_000);

    /** Up to where nobody watches any more; then for its end. */
    async function psqlUnwatched(): Promise<() => Promise<string[]>> {
      const session = await typing('ledger-db');
      session.type("select 'behind glass';");
      await eventually(
        'the notice',
        () => session.said().includes(`custody watch ${session.id}`) || undefined,
      );
      const env = await gateway.cliEnvironment('reviewer', temporary());
      const list = await custody(['sessions', '--waiting', '--json'], { env });
      expect(JSON.parse(list.stdout)).toMatchObject({ sessions: [{ id: session.id, state: 'open' }] });
      const own = await watching(session.id, [], 'auditor');
      await eventually('the auditor to see it', () => own.told().length > 0 || undefined);
      expect(session.said()).not.toContain('behind glass');
      const watch = await watching(session.id, [], 'reviewer');
      await eventually('the answer', () => session.said().includes('behind glass') || undefined);
      expect((await custody(['sessions', '--waiting', '--json'], { env })).stdout).toContain('[]');
      watch.child.kill('SIGKILL');
      return async () => {
        expect(await eventually('its end', () => outcomeOf(session.id))).toMatchObject({
          reason: 'unwatched',
        });
        session.type('select 1;');
        await eventually(
          'psql to be told',
          () => session.said().includes('watches this session any more') || undefined,
        );
        await own.ended;
        expect(own.told().at(-1)).toMatchObject({ reason: 'unwatched', verdict: 'verified' });
        return notes(session.id);
      };
    }

    /** With a banner. */
    async function sshUnwatched(): Promise<() => Promise<void>> {
      const env = {
        ...process.env,
        ...(await gateway.cliEnvironment('developer', temporary())),
        HOME: temporary(),
      };
      const command = 'printf hello; sleep 60';
      const session = await typed(CUSTODY, ['connect', 'vault-1', '--', 'ssh', '-tt', command], env);
      await eventually(
        'the notice',
        () => session.said().includes(`custody watch ${session.id}`) || undefined,
      );
      const watch = await watching(session.id, ['--terminal'], 'reviewer');
      await eventually('the output', () => session.said().includes('hello') || undefined);
      const shown = (): string =>
        (watch.told() as { bytes?: string }[]).map(({ bytes = '' }) => Buffer.from(bytes, 'base64')).join('');
      await eventually('the watcher to see the screen', () => shown().includes('hello') || undefined);
      watch.child.kill('SIGKILL');
      return async () => {
        expect(await session.ended).not.toBe(0);
        expect(session.said()).toContain('watches this session any more');
        expect(await eventually('its end', () => outcomeOf(session.id))).toMatchObject({
          reason: 'unwatched',
        });
      };
    }

    it('nobody of the groups comes: nothing reaches the target, and the client is told', async () => {
      const session = await typing('ledger-2');
      session.type("select 'never';");
      expect(await session.ended).not.toBe(0);
      expect(session.said()).toMatch(/nobody of reviewers came to watch/);
      expect(await outcomeOf(session.id)).toMatchObject({ reason: 'unwatched' });
      expect(await notes(session.id)).toEqual(['moderator-awaited']);
    }, 40_000);
  });
});
