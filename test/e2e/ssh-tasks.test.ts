import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfigFile } from '#adapters/local/config-file.ts';
import { localRunStore } from '#adapters/local/runs-store.ts';
import { sshExecutions } from '#core/protocols/ssh/shapes/executions.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import { newRun } from '#core/tasks/run-lifecycle.ts';
import type { SeenExecution } from '#core/tasks/shapes.ts';
import { type Ran, type RunOptions, SshGateway } from '#test/support/ssh-gateway.ts';
import { hasOpenSsh } from '#test/support/ssh-tools.ts';

const CONTRACT = `
          does:
            - { name: say, argv: [echo, $1], values: { $1: { type: integer, max: 10 } }, times: { max: 3 } }
            - { name: sum, argv: [sha256sum], times: { max: 9 } }
            - { name: fail, argv: [sh, -c, exit 3], times: { max: 9 }, answers: { error: any } }
          inputs: { text: { of: sum, stream: stdin, input: text } }
          outputs: { said: { of: say, stream: stdout } }`;

const WORKFLOWS = `workflows:
  words:
    inputs: { text: { type: text } }
    tasks:
      strict:
        target: web
        by: { groups: [developers] }
        runs: 20
        contract:${CONTRACT}
      lenient:
        target: web
        by: { groups: [developers] }
        runs: 20
        contract:${CONTRACT}
          onDeviation: record
`;
const TEXT = 'what the run was started with\n';

describe.runIf(hasOpenSsh())('ssh as a task of a run', () => {
  let gateway: SshGateway;
  let run: string;
  beforeAll(async () => {
    gateway = await SshGateway.start({ more: WORKFLOWS, target: 'env: ["LC_*"]' });
    const config = await readConfigFile(join(gateway.dataDir, 'custody.yaml'));
    run = newSessionId(Date.now(), randomBytes(10));
    const start = {
      by: { issuer: gateway.issuer.url, subject: 'dana' },
      policy: config.version,
      inputs: { text: TEXT },
    };
    const key = randomBytes(32);
    const store = localRunStore(gateway.dataDir);
    await store.create(
      newRun(config.compiled.get('words')!, start, { id: run, key, now: new Date() }),
      key,
      randomUUID(),
    );
    store.close();
  });
  afterAll(() => gateway?.stop());

  const as = (task: string): string => `${gateway.sshd.login}+web,run=${run},task=${task}`;
  const ssh = (task: string, command: string, more: RunOptions = {}): Promise<Ran> =>
    gateway.ssh([command], { user: as(task), ...more });

  async function executions(session: string): Promise<SeenExecution[]> {
    const frames = await gateway.frames(session);
    const found: SeenExecution[] = [];
    for await (const one of sshExecutions(
      (async function* () {
        yield* frames;
      })(),
      {},
    ))
      found.push(one);
    return found;
  }

  it('runs what the contract has', async () => {
    const before = (await gateway.sessions()).length;
    const ran = await ssh('strict', 'echo 5', { input: '' });
    expect(ran).toMatchObject({ code: 0, stdout: Buffer.from('5\n') });
    const { id } = await gateway.lastSession(before);
    expect(await executions(id)).toMatchObject([
      {
        command: { text: 'echo $1', values: [{ text: '5' }] },
        answer: { outcome: 'completed', streams: { stdout: { bytes: 2 } } },
      },
    ]);
    expect(
      (await gateway.verify(id)).findings
        .filter(({ code }) => !code.startsWith('ledger'))
        .map(({ code }) => code),
    ).toEqual([]);
  });

  it.each([
    ['another command', 'id', 'another command'],
    ['a value out of range', 'echo 11', 'at most 10'],
    ['more than one program', 'echo 5; id', 'more to a shell'],
  ])('refuses %s before it reaches the target, with words', async (_, command, words) => {
    const before = (await gateway.sessions()).length;
    const ran = await ssh('strict', command);
    expect(ran.code).not.toBe(0);
    expect(ran.stdout.length).toBe(0);
    expect(ran.stderr).toContain(words);
    const session = await gateway.lastSession(before);
    expect(session.outcome).toMatchObject({ reason: 'deviated' });
    expect((await gateway.notes(session.id)).map(({ note }) => note)).toContain('task-deviation');
  });

  it('marks them, and goes on, where the contract says so', async () => {
    const before = (await gateway.sessions()).length;
    expect(await ssh('lenient', 'echo 11')).toMatchObject({ code: 0, stdout: Buffer.from('11\n') });
    const { id } = await gateway.lastSession(before);
    expect(await gateway.notes(id)).toContainEqual(
      expect.objectContaining({ note: 'task-deviation', kind: 'value', how: 'recorded' }),
    );
  });

  it('gives a program the input of the run, and no other', async () => {
    const sum = createHash('sha256').update(TEXT).digest('hex');
    expect(await ssh('strict', 'sha256sum', { input: TEXT })).toMatchObject({
      code: 0,
      stdout: Buffer.from(`${sum}  -\n`),
    });
    const ran = await ssh('strict', 'sha256sum', { input: TEXT.toUpperCase() });
    expect(ran.stdout.length).toBe(0);
    expect(ran.stderr).toContain('the input text of the run');
  });

  it('keeps the exit status, and says it as the program did', async () => {
    const before = (await gateway.sessions()).length;
    expect((await ssh('strict', "sh -c 'exit 3'", { input: '' })).code).toBe(3);
    const { id } = await gateway.lastSession(before);
    expect((await executions(id))[0]).toMatchObject({ answer: { outcome: 'failed', error: 'exit 3' } });
  });

  it('has no shell, no files and no forwarding', async () => {
    const shell = await gateway.ssh([], { user: as('strict'), options: ['-T'] });
    expect(shell.stderr).toContain('a shell, in which anything could run');
    const forward = await gateway.ssh(['echo', '5'], {
      user: as('strict'),
      options: ['-o', 'ExitOnForwardFailure=yes', '-R', '0:127.0.0.1:9'],
    });
    expect(forward.code).not.toBe(0);
  });
});
