import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import * as M from '#core/protocols/ssh/channels/messages.ts';
import { termsOf } from '#core/protocols/ssh/channels/terms.ts';
import { SshWriter } from '#core/protocols/ssh/wire.ts';
import { formatSshStep } from '#core/replay/ssh/format.ts';
import { sshReader } from '#core/replay/ssh/reader.ts';
import { SSH_LIMITS as LIMITS } from '#core/replay/ssh/step.ts';
import {
  ask,
  asyncOf,
  CLIENT,
  close,
  confirm,
  gateway,
  login,
  no,
  openOf,
  ptyRequest,
  session,
  stepsOf,
  TARGET,
  Tape,
  yes,
} from './support.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('the login', () => {
  it('says who tried what, and nothing that is withheld', async () => {
    const steps = await stepsOf(login(new Tape()).note({ note: 'ssh-login', method: 'password' }).frames);
    expect(steps.map(({ kind }) => kind)).toEqual(['said', 'login', 'note', 'end']);
    expect(steps[0]?.said?.text).toBe('welcome');
    expect(steps[1]?.login).toEqual({ user: 'deploy+web-1', methods: ['none', 'password'], accepted: true });
    expect(formatSshStep(steps[1]!)).toContain('login of deploy+web-1, none, then password');
  });

  it('is told where it never came to an end', async () => {
    const { frames } = login(new Tape());
    const [first] = await stepsOf(frames.slice(0, 1));
    expect(first).toMatchObject({ kind: 'login', login: { accepted: false, methods: ['none'] } });
  });
});

describe('a program', () => {
  it('is a step with its data by direction, digests and how it ended', async () => {
    const { client, run, type, print, complain, close, tape } = session();
    client(ask('env').string('LANG').string('C').done());
    client(ask('env', TARGET, false).string('LD_PRELOAD').string('x.so').done());
    run(ask('exec').string('cat; ls /nowhere').done());
    type('one\n');
    print('one\n');
    complain('ls: nowhere');
    close(2);
    const steps = await stepsOf(tape.frames);
    expect(steps.map(({ kind }) => kind)).toEqual(['exec', 'end']);
    expect(steps[0]).toMatchObject({
      channel: 1,
      outcome: 'failed',
      command: { text: 'cat; ls /nowhere', bytes: 16, cut: false },
      program: {
        exitStatus: 2,
        env: [
          { name: 'LANG', value: { text: 'C' }, outcome: 'completed' },
          { name: 'LD_PRELOAD', outcome: 'denied' },
        ],
        input: { bytes: 4, sha256: sha256('one\n'), sample: { text: 'one\n' } },
        output: { bytes: 4, sha256: sha256('one\n') },
        errors: { bytes: 11, sample: { text: 'ls: nowhere' } },
      },
    });
    const text = formatSshStep(steps[0]!);
    expect(text).toContain('#1 exec cat; ls /nowhere');
    expect(text).toContain('LD_PRELOAD=x.so (denied)');
    expect(text).toContain('failed, exit status 2');
  });

  it('of a terminal has its size and every change of it', async () => {
    const { run, client, print, close, tape } = session();
    run(ptyRequest(100, 30));
    run(ask('shell').done());
    client(ask('window-change', TARGET, false).uint32(120).uint32(40).uint32(0).uint32(0).done());
    client(ask('signal', TARGET, false).string('INT').done());
    print('bye\r\n');
    close(0);
    const step = (await stepsOf(tape.frames)).find(({ kind }) => kind === 'shell');
    expect(step).toMatchObject({
      outcome: 'completed',
      program: {
        pty: { term: 'xterm', columns: 100, rows: 30, resized: 1, resizes: [{ columns: 120, rows: 40 }] },
        signals: ['INT'],
      },
    });
    expect(formatSshStep(step!)).toContain('terminal xterm 100x30, resized 1 time');
  });

  it('that ended by a signal says which', async () => {
    const { run, target, close, tape } = session();
    run(ask('exec').string('sleep 9').done());
    target(ask('exit-signal', CLIENT, false).string('KILL').boolean(true).string('gone').string('').done());
    close();
    const [step] = await stepsOf(tape.frames);
    expect(step).toMatchObject({
      outcome: 'failed',
      program: { exitSignal: { name: 'KILL', core: true, message: 'gone' } },
    });
  });

  it('that the gateway would not start is denied, with its words', async () => {
    const terms = termsOf({ target: { env: [], subsystems: [] }, statements: [{ sha256: '0'.repeat(64) }] });
    const { client, close, tape } = session(terms);
    client(ask('exec').string('rm -rf /').done());
    close();
    const [step] = await stepsOf(tape.frames);
    expect(step).toMatchObject({
      kind: 'exec',
      outcome: 'denied',
      command: { text: 'rm -rf /' },
      text: 'this command is not one of those that were approved',
      program: {
        exitStatus: 126,
        said: { sample: { text: expect.stringContaining('custody: this command') } },
      },
    });
    expect(step?.program?.output).toBeUndefined();
    expect(formatSshStep(step!)).toContain('denied by the gateway, this command is not');
  });

  it('that the target would not start is refused, and another may follow', async () => {
    const { client, target, run, close, tape } = session();
    client(ask('subsystem').string('sftp').done());
    target(no(CLIENT));
    run(ask('exec').string('/usr/lib/sftp-server').done());
    close(0);
    const steps = await stepsOf(tape.frames);
    expect(steps.map(({ kind, outcome }) => [kind, outcome])).toEqual([
      ['subsystem', 'refused'],
      ['exec', 'completed'],
      ['end', undefined],
    ]);
  });

  it('that was not over is unfinished', async () => {
    const { run, print, tape } = session();
    run(ask('exec').string('top -b').done());
    print('top');
    const [step] = await stepsOf(tape.frames);
    expect(step).toMatchObject({ kind: 'exec', outcome: 'unfinished', program: { output: { bytes: 3 } } });
  });

  it('asked for in place of another by a certificate says both', async () => {
    const terms = termsOf({
      target: { env: [], subsystems: [] },
      certificate: { permits: new Set(['permit-pty']), forcedCommand: 'backup' },
    });
    const { run, close, tape } = session(terms);
    run(ask('shell').done());
    close(0);
    const steps = await stepsOf(tape.frames);
    expect(steps[0]).toMatchObject({
      kind: 'shell',
      outcome: 'completed',
      note: { note: 'ssh-forced-command' },
    });
    expect(steps[0]?.program?.forced?.text).toBe('backup');
  });

  it('whose data is withheld has no digest, and says how much it was', async () => {
    const tape = new Tape()
      .say('client', openOf('session', CLIENT).done())
      .say('target', confirm(CLIENT, TARGET))
      .say('client', ask('exec', TARGET, false).string('cat').done())
      .say('client', M.data(TARGET, Buffer.alloc(10)), [{ from: 11, to: 17 }]);
    const [step] = await stepsOf(tape.frames);
    expect(step?.program?.input).toEqual({
      bytes: 10,
      withheld: 6,
      sample: { text: '\0'.repeat(10), bytes: 10, cut: false },
    });
  });

  it('may show bytes that are no text, and no half a character', async () => {
    const { run, print, close, tape } = session();
    run(ask('exec').string('x').done());
    print(Uint8Array.of(0x61, 0xff, 0xe2, 0x82));
    print(Uint8Array.of(0xac, 0x62));
    close(0);
    const [step] = await stepsOf(tape.frames);
    expect(step?.program?.output?.sample).toEqual({
      text: 'a\\xff€b',
      bytes: 6,
      cut: false,
      undecoded: true,
    });
    const [short] = await stepsOf(tape.frames, { ...LIMITS, sample: 3 });
    expect(short?.program?.output?.sample).toEqual({ text: 'a\\xff', bytes: 6, cut: true, undecoded: true });
  });
});

describe('forwarding', () => {
  const terms = termsOf({
    target: { env: [], subsystems: [] },
    rule: { forward: { local: ['db:5432'], remote: ['*:0', 'localhost:0'], agent: true, x11: false } },
  });
  const place = (writer: SshWriter, host: string, port: number): Uint8Array =>
    writer.string(host).uint32(port).string('10.0.0.9').uint32(5555).done();

  it('is a step with both ends and what passed', async () => {
    const { client, target, tape } = gateway(terms);
    client(place(openOf('direct-tcpip', 1), 'db', 5432));
    target(confirm(1, 9));
    client(M.data(9, Buffer.from('select')));
    target(M.data(1, Buffer.from('42')));
    target(close(1));
    client(close(9));
    const [step] = await stepsOf(tape.frames);
    expect(step).toMatchObject({
      kind: 'forward',
      outcome: 'completed',
      forward: {
        kind: 'local',
        to: { host: 'db', port: 5432 },
        from: { host: '10.0.0.9', port: 5555 },
        sent: { bytes: 6 },
        received: { bytes: 2 },
      },
      note: { note: 'ssh-forward' },
    });
    expect(formatSshStep(step!)).toContain('local forward (direct-tcpip) to db:5432 from 10.0.0.9:5555');
  });

  it('that no rule allows is denied, and that the target cannot is refused', async () => {
    const { client, target, tape } = gateway(terms);
    client(place(openOf('direct-tcpip', 1), 'secrets', 443));
    client(place(openOf('direct-tcpip', 2), 'db', 5432));
    target(M.openFailure(2, M.OpenFailure.connectFailed, 'Connection refused'));
    const steps = await stepsOf(tape.frames);
    expect(steps.map(({ outcome, refusal }) => [outcome, refusal?.message])).toEqual([
      ['denied', 'no rule lets you forward connections to secrets:443'],
      ['refused', 'Connection refused'],
      [undefined, undefined],
    ]);
  });

  it('that the target opens unasked is denied, though its refusal is not on the tape', async () => {
    const { target, tape } = gateway(terms);
    target(openOf('auth-agent@openssh.com', 5).done());
    expect((await stepsOf(tape.frames))[0]).toMatchObject({
      kind: 'forward',
      outcome: 'denied',
      forward: { kind: 'agent' },
    });
  });

  it('is not told by an answer to a question of the gateway', async () => {
    const { client, target, connection, tape } = gateway(terms);
    connection.askAlive();
    const listen = SshWriter.message(M.Message.globalRequest).string('tcpip-forward').boolean(true);
    client(listen.string('localhost').uint32(0).done());
    target(M.requestFailure());
    target(SshWriter.message(M.Message.requestSuccess).uint32(40_000).done());
    expect((await stepsOf(tape.frames))[0]).toMatchObject({ kind: 'listen', outcome: 'completed' });
  });

  it('by a listening target says where, and its port', async () => {
    const { client, target, tape } = gateway(terms);
    const listen = (host: string, port: number, name = 'tcpip-forward'): Uint8Array =>
      SshWriter.message(M.Message.globalRequest).string(name).boolean(true).string(host).uint32(port).done();
    client(listen('localhost', 0));
    target(SshWriter.message(M.Message.requestSuccess).uint32(40_000).done());
    client(listen('elsewhere', 1));
    target(place(openOf('forwarded-tcpip', 4), 'localhost', 40_000));
    client(confirm(4, 6));
    target(M.data(6, Buffer.from('hello')));
    const steps = await stepsOf(tape.frames);
    expect(steps).toMatchObject([
      { kind: 'listen', outcome: 'completed', listen: { host: 'localhost', port: 40_000 } },
      { kind: 'listen', outcome: 'denied', listen: { host: 'elsewhere', port: 1 } },
      { kind: 'forward', outcome: 'unfinished', forward: { kind: 'remote', received: { bytes: 5 } } },
      { kind: 'end' },
    ]);
  });
});

describe('a tape', () => {
  it('tells channels apart whose numbers come again', async () => {
    const { client, target, tape } = gateway();
    for (const command of ['one', 'two']) {
      client(openOf('session', CLIENT).done());
      target(confirm(CLIENT, TARGET));
      client(ask('exec').string(command).done());
      target(yes(CLIENT));
      target(M.exitStatus(CLIENT, 0));
      target(close(CLIENT));
      client(close(TARGET));
    }
    const steps = await stepsOf(tape.frames);
    expect(steps.map(({ channel, command }) => [channel, command?.text])).toEqual([
      [1, 'one'],
      [2, 'two'],
      [undefined, undefined],
    ]);
  });

  it('may be cut into frames anywhere', async () => {
    const { run, type, print, close, tape } = session();
    run(ask('exec').string('cat').done());
    type('in');
    print('out');
    close(0);
    const whole = await stepsOf(tape.frames);
    const bytes = tape.frames.flatMap((frame) =>
      [...frame.payload].map((byte) => ({ ...frame, payload: Uint8Array.of(byte) })),
    );
    expect(await stepsOf(bytes)).toEqual(whole);
  });

  it('with a length that no message has is damaged there, and only that stream', async () => {
    const { run, print, close, tape } = session();
    run(ask('exec').string('x').done());
    tape.frames.push({
      stream: 'client',
      withheld: false,
      timeUs: 1e6,
      payload: Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1),
    });
    print('still here');
    close(0);
    const steps = await stepsOf(tape.frames);
    expect(steps[0]).toMatchObject({
      kind: 'damaged',
      text: expect.stringContaining('length that none has'),
    });
    expect(steps[1]).toMatchObject({ outcome: 'completed', program: { output: { bytes: 10 } } });
  });

  it('says where it ends within a message', async () => {
    const { tape } = session();
    tape.frames.push({
      stream: 'target',
      withheld: false,
      timeUs: 1e6,
      payload: Uint8Array.of(0, 0, 0, 9, 94),
    });
    expect((await stepsOf(tape.frames)).at(-1)?.text).toBe(
      'the recording ends here; in the middle of a message of the target',
    );
  });

  it('gives steps of the shape that the API says', async () => {
    const { client, run, type, close, tape } = session();
    run(ptyRequest());
    client(ask('env').string('LANG').string('C').done());
    run(ask('exec').string('x').done());
    type('y');
    close(1);
    for await (const read of sshReader.steps(
      asyncOf(login(new Tape()).frames.concat(tape.frames)),
      'page',
      () => undefined,
    ))
      expect(sshReader.shape.parse(read.toJson())).toEqual(JSON.parse(JSON.stringify(read.toJson())));
  });

  it('security case 18 (SSH steps): nothing that a peer says reaches a terminal as it was', async () => {
    const evil = '\x1b]0;pwned\x07\x9b2J\u202e\r';
    const { client, run, type, print, complain, close, tape } = session();
    tape.note({ note: evil, [evil]: evil });
    run(ptyRequest());
    client(ask('env').string('LANG').string(evil).done());
    run(ask('exec').string(evil).done());
    type(evil);
    print(evil);
    complain(evil);
    close(0);
    for (const step of await stepsOf(tape.frames)) expect(formatSshStep(step)).not.toMatch(/[^\n\P{C}]/u);
  });
});
