import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { localAccessStore } from '#adapters/local/access-store.ts';
import { type AccessRequest, digestOf } from '#core/access/request.ts';
import { nameStatements } from '#core/access/statements.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import { eventually } from '#test/support/clients.ts';
import { limitedFiles } from '#test/support/full-disk.ts';
import { type RunOptions, runProgram, SshGateway } from '#test/support/ssh-gateway.ts';
import { pythonProgram } from '#test/support/ssh-programs.ts';
import { hasOpenSsh } from '#test/support/ssh-tools.ts';

const HOUR = 3_600_000;
const Message = { globalRequest: 80, data: 94, request: 98 } as const;

/** What a client logs of each question, and how often by the second one. */
const SIGNS = {
  client: ['send packet: type 80', 2],
  target: ['rtype keepalive@openssh.com', 2],
} as const;

describe.runIf(hasOpenSsh())('a session of ssh', () => {
  let gateway: SshGateway;
  let folder: string;
  beforeAll(async () => {
    gateway = await SshGateway.start({
      // Whoever does not answer the target's question in time is cut off; a client that asks every second is never asked.
      sshd: { lines: ['ClientAliveInterval 2', 'ClientAliveCountMax 1'] },
      target: 'recording: { durability: write-ahead }',
      rules:
        '  - { name: asked, groups: [askers], targets: [web], allow: [connect], approval: { reviewers: { any: [leads] }, maxDuration: 4h, statements: exact } }',
    });
    folder = join(gateway.folder, 'files');
    mkdirSync(folder);
  });
  afterAll(() => gateway?.stop());

  /** A grant of dana's for these commands alone, as it is once somebody has approved it. */
  async function approved(...commands: readonly string[]): Promise<string> {
    const [now, until] = [new Date(), new Date(Date.now() + HOUR)];
    const question = {
      requester: { issuer: gateway.issuer.url, subject: 'dana' },
      target: 'web',
      rule: 'asked',
      policy: 'a'.repeat(64),
      durationMs: HOUR,
      statements: nameStatements(commands),
      breakGlass: false,
      createdAt: now.toISOString(),
      pendingUntil: until.toISOString(),
    };
    const id = newSessionId(now.getTime(), randomBytes(10));
    const granted = { at: now.toISOString(), kind: 'granted', until: until.toISOString() } as const;
    await withStore((store) =>
      store.create({ id, digest: digestOf(question), ...question, steps: [granted] }),
    );
    return id;
  }

  async function withStore<T>(work: (store: ReturnType<typeof localAccessStore>) => Promise<T>): Promise<T> {
    const store = localAccessStore(gateway.dataDir);
    try {
      return await work(store);
    } finally {
      store.close();
    }
  }

  const stepsOf = async (id: string): Promise<AccessRequest['steps']> =>
    (await withStore((store) => store.get(id))).steps;

  async function asker(command: readonly string[], options: readonly string[] = [], run: RunOptions = {}) {
    return gateway.ssh(command, { ...run, options, token: await gateway.token({ groups: ['askers'] }) });
  }

  async function messages(session: string, stream: 'client' | 'target', kind: number): Promise<string[]> {
    const all = await gateway.messages(session, stream);
    return all.filter((message) => message[0] === kind).map((message) => message.toString('latin1'));
  }

  it('for exact commands runs those by their whole text, once, and nothing else (security cases 4, 23)', async () => {
    const mark = join(folder, 'ran');
    const command = `touch ${mark}; echo done`;
    const grant = await approved(command);
    for (const other of [
      `touch ${mark}`,
      `${command}; id`,
      `sh -c '${command}'`,
      'internal-sftp',
      'scp -f x',
    ]) {
      const refused = await asker([other]);
      expect(refused, other).toMatchObject({ code: 126, stdout: Buffer.alloc(0) });
      expect(refused.stderr).toContain('not one of those that were approved');
    }
    const shell = await asker([], [], { input: `${command}\n` });
    expect(shell).toMatchObject({ code: 126, stdout: Buffer.alloc(0) });
    const sftp = await asker(['sftp'], ['-s']);
    expect(sftp).toMatchObject({ code: 126, stdout: Buffer.alloc(0) });
    const through = await asker([], ['-W', `127.0.0.1:${gateway.sshd.port}`]);
    expect(through.stderr).toContain('a session for approved commands forwards nothing');
    expect(existsSync(mark)).toBe(false);
    const terminals = (await gateway.sessions()).length;
    await asker(['id'], ['-tt']);
    expect(await gateway.notes((await gateway.lastSession(terminals)).id)).toContainEqual(
      expect.objectContaining({ note: 'ssh-refused', name: 'pty-req' }),
    );
    expect((await stepsOf(grant)).map(({ kind }) => kind)).toEqual(['granted']);

    const before = (await gateway.sessions()).length;
    const ran = await asker([command]);
    expect(ran).toMatchObject({ code: 0, stdout: Buffer.from('done\n') });
    const { id } = await gateway.lastSession(before);
    expect(await stepsOf(grant)).toContainEqual(expect.objectContaining({ kind: 'used', session: id }));
    expect((await gateway.verify(id)).findings).toEqual([]);
    expect(await asker([command])).toMatchObject({ code: 255, stdout: Buffer.alloc(0) });
  });

  it('for exact commands gives one of two sessions the grant, and the other nothing (security case 23)', async () => {
    const mark = join(folder, 'once');
    const command = `echo ran >> ${mark}`;
    await approved(command);
    const both = await Promise.all([asker([command]), asker([command])]);
    expect(both.filter(({ code }) => code === 0)).toHaveLength(1);
    expect(readFileSync(mark, 'utf8')).toBe('ran\n');
  });

  it('for exact commands takes no input', async () => {
    await approved('cat');
    const { code, stdout, stderr } = await asker(['cat'], [], { input: 'rm -rf everything' });
    expect([code, stdout.toString()]).toEqual([126, '']);
    expect(stderr).toContain('an approved command gets no input');
  });

  it('by a certificate with a command of its own runs it for whatever is asked (security case 4)', async () => {
    const key = join(folder, 'key');
    await runProgram('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    await gateway.certify(key, { forceCommand: 'echo forced' });
    const options = ['-i', key, '-o', 'IdentitiesOnly=yes', '-o', 'PreferredAuthentications=publickey'];
    for (const [command, more] of [
      [['id'], []],
      [[], ['-T']],
      [['sftp'], ['-s']],
    ] as const) {
      const { stdout } = await gateway.ssh(command, { options: [...options, ...more] });
      expect(stdout.toString()).toBe('forced\n');
    }
  });

  it('has the terminal that its client has, also when that is resized', async () => {
    const script = pythonProgram(folder, 'resized');
    const command = "trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.05; done";
    const ssh = ['ssh', '-tt', ...gateway.options(), '-p', String(gateway.port)];
    const where = ['-l', `${gateway.sshd.login}+web`, '127.0.0.1', command];
    const env = await gateway.askpass();
    const { stdout } = await runProgram('python3', [script, '33', '121', ...ssh, ...where], { env });
    expect(stdout.toString()).toContain('33 121');
  });

  it('is told of the signal that ended its command', async () => {
    const before = (await gateway.sessions()).length;
    expect(await gateway.ssh(['kill -TERM $$'])).toMatchObject({ code: 255 });
    const { id } = await gateway.lastSession(before);
    expect((await messages(id, 'target', Message.request)).join()).toMatch(/exit-signal.*TERM/s);
  });

  it.each([
    ['client', ['-o', 'ServerAliveInterval=1', '-o', 'ServerAliveCountMax=1']],
    ['target', []],
  ] as const)('lives on as its %s asks the other side whether it is alive', async (side, options) => {
    const before = (await gateway.sessions()).length;
    const args = [
      ...gateway.options(['-vvv', ...options]),
      ...['-p', String(gateway.port), '-l', `${gateway.sshd.login}+web`, '127.0.0.1', 'cat'],
    ];
    const child = spawn('ssh', args, {
      env: { ...process.env, ...(await gateway.askpass()) },
      stdio: 'pipe',
    });
    const over = new Promise<number | null>((done) => child.once('close', done));
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    const [sign, count] = SIGNS[side];
    // Who had no answer to the first would ask no second time.
    await eventually('a second question', () => said.split(sign).length > count || undefined);
    child.stdin.end('still here');
    expect(await over).toBe(0);
    const { id } = await gateway.lastSession(before);
    const asked = [
      ...(await messages(id, side, Message.globalRequest)),
      ...(await messages(id, side, Message.request)),
    ].join();
    expect(asked.split('keepalive@openssh.com').length).toBeGreaterThan(2);
    expect((await gateway.verify(id)).findings).toEqual([]);
  });

  it('ends where its recording cannot be stored, and nothing reaches the target that is not', async () => {
    const before = (await gateway.sessions()).length;
    const file = join(folder, 'written');
    const args = [...gateway.options(), '-p', String(gateway.port), '-l', `${gateway.sshd.login}+web`];
    const child = spawn('ssh', [...args, '127.0.0.1', `exec cat > ${file}`], {
      env: { ...process.env, ...(await gateway.askpass()) },
      stdio: 'pipe',
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    const over = new Promise<number | null>((done) => child.once('close', done));
    const disk = limitedFiles();
    const text = (): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');
    try {
      child.stdin.write('stored\n');
      await eventually('the first words', () => text() === 'stored\n' || undefined);
      disk.fill(gateway.pid);
      child.stdin.write('not stored\n');
      expect(await over).not.toBe(0);
      expect(said).toContain('the recording could not be stored');
      const next = await gateway.ssh(['echo in']);
      expect(next.code).toBe(255);
    } finally {
      disk.makeSpace(gateway.pid);
      disk.remove();
      child.kill();
    }
    const { id, outcome } = await eventually('the evidence', async () => {
      const session = (await gateway.sessions())[before];
      return session?.outcome === undefined ? undefined : session;
    });
    expect(outcome?.reason).toBe('recording-failed');
    expect(text()).toBe('stored\n');
    expect((await messages(id, 'client', Message.data)).join('')).toContain('stored\n');
    expect((await gateway.verify(id)).findings).toEqual([]);
  });
});
