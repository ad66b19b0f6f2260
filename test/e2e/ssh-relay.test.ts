import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, hasClient } from '#test/support/clients.ts';
import { type Ran, type RunOptions, runProgram, SshGateway } from '#test/support/ssh-gateway.ts';
import { hasOpenSsh } from '#test/support/ssh-tools.ts';

const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const BLOB = randomBytes(3_000_000);

describe.runIf(hasOpenSsh())('what passes between OpenSSH and its server', () => {
  let gateway: SshGateway;
  let folder: string;
  beforeAll(async () => {
    gateway = await SshGateway.start({ args: ['--drain-ms', '300'] });
    folder = join(gateway.folder, 'files');
    mkdirSync(folder);
    writeFileSync(join(folder, 'blob'), BLOB);
  });
  afterAll(() => gateway?.stop());

  /** A client that is not `ssh` itself, but goes its way. */
  async function program(name: string, args: readonly string[], run: RunOptions = {}): Promise<Ran> {
    return runProgram(name, args, { ...run, env: { ...(await gateway.askpass()), ...run.env } });
  }
  const port = (): string[] => ['-P', String(gateway.port)];
  const host = (): string => `${gateway.sshd.login}+web@127.0.0.1`;
  const sshCommand = (): string => ['ssh', '-p', String(gateway.port), ...gateway.options()].join(' ');

  /** What was said on a recorded stream's channels as data (94) or on the error stream (95). */
  async function dataOn(session: string, stream: 'client' | 'target', number = 94): Promise<Buffer> {
    const messages = await gateway.messages(session, stream);
    const at = number === 94 ? 9 : 13;
    return Buffer.concat(messages.filter(([kind]) => kind === number).map((message) => message.subarray(at)));
  }

  it('output, error output and exit code arrive, and stand on the tape as they were', async () => {
    const before = (await gateway.sessions()).length;
    const ran = await gateway.ssh(['echo out; echo err >&2; exit 42']);
    expect(ran).toMatchObject({ code: 42, stdout: Buffer.from('out\n') });
    expect(ran.stderr).toContain('err\n');
    const session = await gateway.lastSession(before);
    expect(session.outcome).toMatchObject({ reason: 'client-closed' });
    expect((await dataOn(session.id, 'target')).toString()).toBe('out\n');
    expect((await dataOn(session.id, 'target', 95)).toString()).toBe('err\n');
    expect((await gateway.verify(session.id)).findings).toEqual([]);
  });

  it('input reaches the command with its end, and none does with -n', async () => {
    const before = (await gateway.sessions()).length;
    const { stdout } = await gateway.ssh(['sha256sum'], { input: BLOB });
    expect(stdout.toString()).toContain(hash(BLOB));
    const session = await gateway.lastSession(before);
    expect(hash(await dataOn(session.id, 'client'))).toBe(hash(BLOB));
    expect((await gateway.ssh(['wc -c'], { input: 'x', options: ['-n'] })).stdout.toString().trim()).toBe(
      '0',
    );
  });

  it('output of megabytes arrives, through key exchanges on the way, and is on the tape', async () => {
    const before = (await gateway.sessions()).length;
    const options = ['-o', 'RekeyLimit=256K'];
    const { stdout } = await gateway.ssh([`cat ${folder}/blob`], { options });
    expect(hash(stdout)).toBe(hash(BLOB));
    const session = await gateway.lastSession(before);
    expect(hash(await dataOn(session.id, 'target'))).toBe(hash(BLOB));
    const back = await gateway.ssh(['sha256sum'], { input: BLOB, options });
    expect(back.stdout.toString()).toContain(hash(BLOB));
  });

  it('a shell without a terminal, and one with it', async () => {
    const plain = await gateway.ssh([], { input: 'echo $((40+2))\n', options: ['-T'] });
    expect(plain.stdout.toString()).toContain('42');
    const { stdout } = await gateway.ssh(['tty; stty size'], { options: ['-tt'] });
    expect(stdout.toString()).toContain('/dev/pts/');
  });

  it('variables that the target takes, and no others', async () => {
    const options = ['-o', 'SetEnv=LC_CUSTODY=yes', '-o', 'SendEnv=SECRET_THING'];
    const { stdout } = await gateway.ssh(['echo "$LC_CUSTODY,$SECRET_THING"'], {
      options,
      env: { SECRET_THING: 'x' },
    });
    expect(stdout.toString()).toBe('yes,\n');
  });

  it.each([
    ['scp', []],
    ['scp by its old protocol', ['-O']],
  ])('%s copies both ways', async (_, flags) => {
    const [up, down] = [join(folder, 'up'), join(folder, 'down')];
    const common = [...flags, '-q', ...port(), ...gateway.options()];
    expect(await program('scp', [...common, join(folder, 'blob'), `${host()}:${up}`])).toMatchObject({
      code: 0,
    });
    expect(hash(readFileSync(up))).toBe(hash(BLOB));
    expect(await program('scp', [...common, `${host()}:${up}`, down])).toMatchObject({ code: 0 });
    expect(hash(readFileSync(down))).toBe(hash(BLOB));
  });

  it.skipIf(!hasClient('rsync'))('sftp, rsync and git', async () => {
    const batch = `get ${folder}/blob ${folder}/got\nput ${folder}/blob ${folder}/put\n`;
    const sftp = await program(
      'sftp',
      ['-o', 'BatchMode=no', '-b', '-', ...port(), ...gateway.options(), host()],
      {
        input: batch,
      },
    );
    expect(sftp).toMatchObject({ code: 0 });
    expect(hash(readFileSync(join(folder, 'put')))).toBe(hash(BLOB));
    const rsync = ['-e', sshCommand(), `${host()}:${folder}/blob`, join(folder, 'synced')];
    expect(await program('rsync', rsync)).toMatchObject({ code: 0 });
    expect(hash(readFileSync(join(folder, 'synced')))).toBe(hash(BLOB));
    const bare = join(folder, 'repository.git');
    await runProgram('git', ['init', '-q', '--bare', bare]);
    const clone = join(folder, 'clone');
    const git = (...args: string[]) => program('git', args, { env: { GIT_SSH_COMMAND: sshCommand() } });
    expect(await git('clone', '-q', `ssh://${host()}${bare}`, clone)).toMatchObject({ code: 0 });
    writeFileSync(join(clone, 'file'), BLOB);
    await git('-C', clone, 'add', '.');
    await git('-C', clone, '-c', 'user.name=a', '-c', 'user.email=a@b.c', 'commit', '-qm', 'x');
    expect(await git('-C', clone, 'push', '-q', 'origin', 'HEAD:main')).toMatchObject({ code: 0 });
    expect((await runProgram('git', ['-C', bare, 'log', '--format=%s', 'main'])).stdout.toString()).toBe(
      'x\n',
    );
  });

  it('many commands share one connection', async () => {
    const control = ['-o', `ControlPath=${join(gateway.folder, 'control')}`];
    const before = (await gateway.sessions()).length;
    await gateway.ssh(['true'], {
      options: [...control, '-o', 'ControlMaster=yes', '-o', 'ControlPersist=20'],
    });
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        gateway.ssh([`sleep 0.05; echo ${index}`], { options: control }),
      ),
    );
    expect(answers.map(({ stdout }) => stdout.toString())).toEqual(answers.map((_, index) => `${index}\n`));
    await gateway.ssh([], { options: [...control, '-O', 'exit'] });
    await gateway.lastSession(before);
    expect((await gateway.sessions()).length).toBe(before + 1);
  });

  it('security case 8: no forwarding but by a rule, whichever way it is asked for', async () => {
    const before = (await gateway.sessions()).length;
    const target = `127.0.0.1:${gateway.sshd.port}`;
    const through = await gateway.ssh([], { options: ['-W', target] });
    expect(through.code).not.toBe(0);
    expect(through.stderr).toContain('no rule lets you forward');
    const session = await gateway.lastSession(before);
    expect(await gateway.notes(session.id)).toContainEqual(
      expect.objectContaining({ note: 'ssh-refused', by: 'client', what: 'open', to: target }),
    );
    const remote = ['-o', 'ExitOnForwardFailure=yes', '-R', '0:127.0.0.1:1'];
    expect((await gateway.ssh(['true'], { options: remote })).code).toBe(255);
    const local = await gateway.ssh(['echo no agent: "[$SSH_AUTH_SOCK]" "[$DISPLAY]"'], {
      options: ['-A', '-X'],
    });
    expect(local.stdout.toString()).toContain('no agent: []');
  });

  it('an ended gateway tells the client why, and the evidence holds', async () => {
    const before = (await gateway.sessions()).length;
    const mark = join(folder, 'working');
    const running = gateway.ssh([`touch ${mark}; exec sleep 30`]);
    await eventually('the command to run', () => existsSync(mark) || undefined);
    await gateway.end('SIGTERM');
    const { stderr, code } = await running;
    expect(code).not.toBe(0);
    expect(stderr).toContain('this gateway is shutting down');
    await gateway.run();
    const session = await gateway.lastSession(before);
    expect(session.outcome).toMatchObject({ reason: 'drained' });
    // On the channel as well, though ssh shows no more of that once it has read that the connection ends.
    const own = Buffer.concat(await gateway.messages(session.id, 'gateway')).toString('latin1');
    expect(own).toContain('custody: this gateway is shutting down');
    expect((await gateway.verify(session.id)).findings).toEqual([]);
  });
});

describe.runIf(hasOpenSsh())('where a rule lets connections be forwarded', () => {
  let gateway: SshGateway;
  const echo = createServer((socket) => socket.pipe(socket));
  let echoPort: number;
  beforeAll(async () => {
    await new Promise<void>((done) => echo.listen(0, '127.0.0.1', done));
    echoPort = (echo.address() as { port: number }).port;
    gateway = await SshGateway.start({
      rule: `ssh: { forward: { local: ["127.0.0.1:${echoPort}"], remote: ["localhost:*"], agent: true } }`,
    });
  });
  afterAll(async () => {
    echo.close();
    await gateway?.stop();
  });

  it('-W reaches what is named, is recorded, and nothing else is reached', async () => {
    const before = (await gateway.sessions()).length;
    const { stdout } = await gateway.ssh([], { options: ['-W', `127.0.0.1:${echoPort}`], input: 'hello' });
    expect(stdout.toString()).toBe('hello');
    const session = await gateway.lastSession(before);
    expect(await gateway.notes(session.id)).toContainEqual(
      expect.objectContaining({ note: 'ssh-forward', direction: 'local', to: `127.0.0.1:${echoPort}` }),
    );
    expect((await gateway.ssh([], { options: ['-W', `localhost:${echoPort}`] })).code).not.toBe(0);
  });

  it('-R listens at the target, and the connection comes back', async () => {
    const remote = ['-o', 'ExitOnForwardFailure=yes', '-R', `0:127.0.0.1:${echoPort}`];
    const { stderr, code } = await gateway.ssh(['true'], { options: remote });
    expect(stderr).toMatch(/Allocated port \d+/);
    expect(code).toBe(0);
  });
});

describe.runIf(hasOpenSsh())('where nothing reaches the target before it is stored', () => {
  let gateway: SshGateway;
  beforeAll(async () => {
    gateway = await SshGateway.start({ target: 'recording: { durability: write-ahead }' });
  });
  afterAll(() => gateway?.stop());

  it('input and output arrive whole, through key exchanges on the way', async () => {
    const { stdout } = await gateway.ssh(['cat'], { input: BLOB, options: ['-o', 'RekeyLimit=256K'] });
    expect(hash(stdout)).toBe(hash(BLOB));
    expect((await gateway.verify((await gateway.lastSession()).id)).findings).toEqual([]);
  });

  it('a killed gateway leaves evidence of what passed', async () => {
    const before = (await gateway.sessions()).length;
    const mark = join(gateway.folder, 'begun');
    const where = ['-p', String(gateway.port), '-l', `${gateway.sshd.login}+web`, '127.0.0.1'];
    const command = `echo begun; read -r word; touch ${mark}; exec sleep 30`;
    const client = spawn('ssh', [...gateway.options(), ...where, command], {
      env: { ...process.env, ...(await gateway.askpass()) },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const over = new Promise((done) => client.once('close', done));
    await new Promise((begun) => client.stdout.once('data', begun));
    client.stdin.write('go on\n');
    // What reaches the target is stored, and so is what was recorded before it.
    await eventually('the word to arrive', () => existsSync(mark) || undefined);
    await gateway.end('SIGKILL');
    await over;
    await gateway.run();
    const { id, outcome } = await gateway.lastSession(before);
    expect(outcome).toMatchObject({ reason: 'recovered' });
    const said = async (stream: 'client' | 'target'): Promise<string[]> =>
      (await gateway.messages(id, stream))
        .filter(([kind]) => kind === 94)
        .map((message) => message.subarray(9).toString());
    expect([await said('target'), await said('client')]).toEqual([['begun\n'], ['go on\n']]);
    expect((await gateway.verify(id)).findings).toEqual([]);
  });
});

describe.runIf(hasOpenSsh())('a client that does not read', () => {
  it('security case 16: makes the target wait, and no memory grow', async () => {
    const gateway = await SshGateway.start();
    const memory = (): number =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))![1]) / 1024;
    try {
      await gateway.ssh(['head -c 30000000 /dev/zero']);
      const before = memory();
      const where = ['-p', String(gateway.port), '-l', `${gateway.sshd.login}+web`, '127.0.0.1'];
      const pid = join(gateway.folder, 'pid');
      const args = [...gateway.options(), ...where, `echo $$ > ${pid}; exec cat /dev/zero`];
      const child = spawn('ssh', args, {
        env: { ...process.env, ...(await gateway.askpass()) },
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      await new Promise((begun) => child.stdout.once('readable', begun as () => void));
      child.kill('SIGSTOP');
      const written = (): string => readFileSync(`/proc/${readFileSync(pid, 'utf8').trim()}/io`, 'utf8');
      // It waits when ten looks find nothing new.
      let [last, looks] = ['', 0];
      await eventually('the target to wait', () => {
        const now = written();
        looks = now === last ? looks + 1 : 0;
        last = now;
        return looks >= 10 || undefined;
      });
      expect(memory() - before).toBeLessThan(60);
      child.kill('SIGKILL');
    } finally {
      await gateway.stop();
    }
  });
});
