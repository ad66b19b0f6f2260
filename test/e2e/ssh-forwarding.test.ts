import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '#test/support/clients.ts';
import { SshGateway } from '#test/support/ssh-gateway.ts';
import { pythonProgram } from '#test/support/ssh-programs.ts';
import { hasOpenSsh } from '#test/support/ssh-tools.ts';
import { freePort, makeSshKey } from '#test/support/sshd.ts';

/** Of data and of the error stream: what a message says to a channel. */
const DATA = 94;

describe.runIf(hasOpenSsh())('ssh forwards', () => {
  let gateway: SshGateway;
  let folder: string;
  const servers: Server[] = [];
  let [allowed, beside] = [0, 0];
  beforeAll(async () => {
    allowed = await listening((socket) => socket.pipe(socket));
    beside = await listening((socket) => socket.end('reached'));
    const places = `local: ["127.0.0.1:${allowed}"], remote: ["localhost:*"], agent: true, x11: true`;
    gateway = await SshGateway.start({
      sshd: { lines: ['X11Forwarding yes', 'PermitTunnel yes', 'AllowStreamLocalForwarding yes'] },
      rule: `ssh: { forward: { ${places} } }`,
      rules: '  - { name: plain, groups: [plain], targets: ["*"], allow: [connect] }',
    });
    folder = join(gateway.folder, 'files');
    mkdirSync(folder);
  });
  afterAll(async () => {
    for (const server of servers) server.close();
    await gateway?.stop();
  });

  function listening(serve: Parameters<typeof createServer>[1]): Promise<number> {
    const server = createServer(serve as never);
    servers.push(server);
    return new Promise((done) =>
      server.listen(0, '127.0.0.1', () => done((server.address() as AddressInfo).port)),
    );
  }

  /** `ssh` that goes on until its input ends. */
  async function running(options: readonly string[], command = 'cat', user = `${gateway.sshd.login}+web`) {
    const args = [...gateway.options(options), '-p', String(gateway.port), '-l', user, '127.0.0.1', command];
    const child = spawn('ssh', args, { env: { ...process.env, ...(await gateway.askpass()) } });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    return { child, said: () => said, end: () => endOf(child) };
  }

  /** What was said each way on the recorded channel of a forwarding, by what its note says. */
  async function streamsOf(session: string, wanted: Readonly<Record<string, unknown>>) {
    const notes = await gateway.notes(session);
    const note = notes.find((fact) => Object.entries(wanted).every(([key, value]) => fact[key] === value));
    expect(note, JSON.stringify(notes)).toBeDefined();
    const [client, target] = [
      await gateway.messages(session, 'client'),
      await gateway.messages(session, 'target'),
    ];
    const confirmed = note!['opener'] === 'client' ? target : client;
    const confirmation = confirmed.find(
      (message) => message[0] === 91 && message.readUInt32BE(1) === note!['channel'],
    )!;
    const own = { [String(note!['opener'])]: note!['channel'] as number };
    const number = (side: string): number => own[side] ?? confirmation.readUInt32BE(5);
    return { client: dataTo(client, number('target')), target: dataTo(target, number('client')) };
  }

  /** What a local port answers, until it is `enough` or it ends. */
  function asked(port: number, words = '', enough = words.length): Promise<string> {
    return new Promise((resolve) => {
      let said = '';
      const socket = connect(port, '127.0.0.1');
      socket.setEncoding('latin1').on('data', (text: string) => {
        said += text;
        if (said.length >= enough) socket.end();
      });
      socket.on('error', () => undefined).once('close', () => resolve(said));
      socket.write(words, 'latin1');
    });
  }

  it('by -L what the rule names; what stands beside it is refused, and both are on the tape (security case 8)', async () => {
    const before = (await gateway.sessions()).length;
    const [there, elsewhere] = [await freePort(), await freePort()];
    const ssh = await running([
      ...['-o', 'ExitOnForwardFailure=yes', '-L', `${there}:127.0.0.1:${allowed}`],
      ...['-L', `${elsewhere}:127.0.0.1:${beside}`],
    ]);
    await eventually('the forwarding', async () => (await asked(there, 'hello')) === 'hello' || undefined);
    expect(await asked(elsewhere)).toBe('');
    await ssh.end();
    expect(ssh.said()).toContain(`no rule lets you forward connections to 127.0.0.1:${beside}`);
    const { id } = await gateway.lastSession(before);
    const streams = await streamsOf(id, { note: 'ssh-forward', direction: 'local' });
    expect(streams).toEqual({ client: 'hello', target: 'hello' });
    const refused = { note: 'ssh-refused', what: 'open', to: `127.0.0.1:${beside}` };
    expect(await gateway.notes(id)).toContainEqual(expect.objectContaining(refused));
    expect((await gateway.verify(id)).findings).toEqual([]);
  });

  it('by -D likewise, each place by the name that the client gave it (security case 8)', async () => {
    const before = (await gateway.sessions()).length;
    const proxy = await freePort();
    const ssh = await running(['-o', 'ExitOnForwardFailure=yes', '-D', String(proxy)]);
    const through = (host: string, port: number, words: string): Promise<string> =>
      asked(
        proxy,
        `\x04\x01${String.fromCharCode(port >> 8, port & 255)}${host}\0${words}`,
        8 + words.length,
      );
    await eventually(
      'the proxy',
      async () => (await through('\x7f\0\0\x01', allowed, 'hello')).endsWith('hello') || undefined,
    );
    expect(await through('\x7f\0\0\x01', beside, 'hello')).not.toContain('reached');
    // SOCKS 4a: the name is sent as it is, and is not what the rule says, wherever it leads.
    expect(await through('\0\0\0\x01\0localhost', allowed, 'hello')).not.toContain('hello');
    await ssh.end();
    const { id } = await gateway.lastSession(before);
    const refused = (await gateway.notes(id)).filter(({ note }) => note === 'ssh-refused');
    expect(refused.map(({ to }) => to)).toEqual([`127.0.0.1:${beside}`, `localhost:${allowed}`]);
  });

  it('by -R what comes back to the place that was asked for', async () => {
    const before = (await gateway.sessions()).length;
    const ssh = await running(['-o', 'ExitOnForwardFailure=yes', '-R', `0:127.0.0.1:${allowed}`]);
    const port = await eventually('the port', () => /Allocated port (\d+)/.exec(ssh.said())?.[1]);
    expect(await asked(Number(port), 'back')).toBe('back');
    await ssh.end();
    const { id } = await gateway.lastSession(before);
    const streams = await streamsOf(id, { note: 'ssh-forward', direction: 'remote' });
    expect(streams).toEqual({ client: 'back', target: 'back' });
  });

  it('an agent, where the rule says so', async () => {
    const before = (await gateway.sessions()).length;
    const [key, socket] = [join(folder, 'key'), join(folder, 'agent')];
    makeSshKey(key);
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
    try {
      await eventually('the agent', () => existsSync(socket) || undefined);
      execFileSync('ssh-add', ['-q', key], {
        env: { ...process.env, SSH_AUTH_SOCK: socket },
        stdio: 'ignore',
      });
      const options = ['-A', '-o', 'IdentityAgent=SSH_AUTH_SOCK'];
      const env = { SSH_AUTH_SOCK: socket };
      const { stdout } = await gateway.ssh(['ssh-add -L'], { options, env });
      expect(stdout.toString()).toContain(readFileSync(`${key}.pub`, 'utf8').split(' ')[1]);
      const { id } = await gateway.lastSession(before);
      const streams = await streamsOf(id, { note: 'ssh-forward', direction: 'agent', opener: 'target' });
      expect(streams.client).toContain('ssh-ed25519');
      const token = await gateway.token({ groups: ['plain'] });
      const refused = await gateway.ssh(['ssh-add -L'], { options, env, token });
      expect(refused.stdout.toString()).toBe('');
      const notes = await gateway.notes((await gateway.lastSession(before + 1)).id);
      expect(notes).toContainEqual(
        expect.objectContaining({ note: 'ssh-refused', name: 'auth-agent-req@openssh.com' }),
      );
    } finally {
      agent.kill();
    }
  });

  it('X11, where the rule says so', async () => {
    const before = (await gateway.sessions()).length;
    const display = await listening((socket) => socket.once('data', () => socket.end('the display')));
    // Port 6000 is display 0, and ports below it are none.
    const env = { DISPLAY: `127.0.0.1:${display - 6000}` };
    const command = [`python3 ${pythonProgram(folder, 'xClient')}`];
    const { stdout, stderr } = await gateway.ssh(command, { options: ['-Y'], env });
    expect(stdout.toString(), stderr).toBe('the display\n');
    const { id } = await gateway.lastSession(before);
    const streams = await streamsOf(id, { note: 'ssh-forward', direction: 'x11', opener: 'target' });
    expect(streams.client).toBe('the display');
    expect(streams.target).toContain('MIT-MAGIC-COOKIE-1');
    const token = await gateway.token({ groups: ['plain'] });
    const refused = await gateway.ssh(['echo "[$DISPLAY]"'], { options: ['-Y'], env, token });
    expect(refused.stdout.toString()).toBe('[]\n');
    const notes = await gateway.notes((await gateway.lastSession(before + 1)).id);
    expect(notes).toContainEqual(expect.objectContaining({ note: 'ssh-refused', name: 'x11-req' }));
  });

  it('no socket files and no tunnels, whatever the rule says, and says so (security case 8)', async () => {
    const before = (await gateway.sessions()).length;
    const [socket, back] = [join(folder, 'forwarded'), join(folder, 'back')];
    const ssh = await running(['-L', `${socket}:/run/docker.sock`, '-R', `${back}:127.0.0.1:${allowed}`]);
    await eventually('the socket', () => existsSync(socket) || undefined);
    await new Promise((closed) =>
      connect(socket)
        .on('error', () => undefined)
        .once('close', closed),
    );
    await ssh.end();
    expect(ssh.said()).toContain('the gateway forwards TCP connections alone');
    expect(ssh.said()).toContain(`remote port forwarding failed for listen path ${back}`);
    const { id } = await gateway.lastSession(before);
    const refused = (await gateway.notes(id)).filter(({ note }) => note === 'ssh-refused');
    expect(refused.map(({ name }) => name)).toEqual([
      'streamlocal-forward@openssh.com',
      'direct-streamlocal@openssh.com',
    ]);
    const tunnel = await gateway.ssh(['true'], { options: ['-w', 'any', '-o', 'ExitOnForwardFailure=yes'] });
    expect(tunnel).toMatchObject({ code: 255 });
    expect(tunnel.stderr).toContain('the gateway forwards TCP connections alone');
  });
});

/** The client ends by the end of its command, as its input ends. */
async function endOf(child: ChildProcess): Promise<void> {
  const over = new Promise<void>((done) => child.once('close', () => done()));
  child.stdin!.end();
  await over;
}

function dataTo(messages: readonly Buffer[], channel: number): string {
  const own = messages.filter((message) => message[0] === DATA && message.readUInt32BE(1) === channel);
  return Buffer.concat(own.map((message) => message.subarray(9))).toString('latin1');
}
