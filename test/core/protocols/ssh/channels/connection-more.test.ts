import { describe, expect, it } from 'vitest';
import { statementHash } from '#core/access/statements.ts';
import { Connection } from '#core/protocols/ssh/channels/connection.ts';
import * as M from '#core/protocols/ssh/channels/messages.ts';
import { type TermsOf, termsOf } from '#core/protocols/ssh/channels/terms.ts';
import { SshReader, SshWriter } from '#core/protocols/ssh/wire.ts';

const { Message } = M;
const WINDOW = 2 << 20;
const CLIENT = 7;
const TARGET = 3;
const TARGET_OF_ALL: TermsOf['target'] = { env: ['LANG', 'LC_*'], subsystems: ['sftp'] };

/** A connection, and all that came of what was said on it. */
function connection(more: Omit<TermsOf, 'target'> = {}) {
  const seen = {
    toTarget: [] as Uint8Array[],
    toClient: [] as Uint8Array[],
    said: [] as Uint8Array[],
    asked: [] as Uint8Array[],
    taped: [] as Uint8Array[],
    notes: [] as { note: string }[],
    claims: 0,
  };
  const copy = (into: Uint8Array[]) => (bytes: Uint8Array) => void into.push(Uint8Array.from(bytes));
  const claimed = Promise.withResolvers<void>();
  const made = new Connection(termsOf({ target: TARGET_OF_ALL, ...more }), {
    record: (_side, payload) => copy(seen.taped)(payload),
    pass: (to, payload) => copy(to === 'target' ? seen.toTarget : seen.toClient)(payload),
    say: copy(seen.said),
    ask: copy(seen.asked),
    note: (fact) => void seen.notes.push(fact),
    claim: () => {
      seen.claims += 1;
      return claimed.promise;
    },
    end: (error) => {
      throw error;
    },
    resumed: () => undefined,
  });
  return { connection: made, seen, claimed };
}

function open(type: string, sender = CLIENT) {
  return SshWriter.message(Message.open).string(type).uint32(sender).uint32(WINDOW).uint32(32_768);
}

function direct(host: string, port: number): Uint8Array {
  return open('direct-tcpip').string(host).uint32(port).string('127.0.0.1').uint32(9).done();
}

const confirmation = SshWriter.message(Message.confirmation)
  .uint32(CLIENT)
  .uint32(TARGET)
  .uint32(WINDOW)
  .uint32(32_768)
  .done();

function request(name: string, what?: string, recipient = TARGET): Uint8Array {
  const writer = SshWriter.message(Message.request).uint32(recipient).string(name).boolean(true);
  return (what === undefined ? writer : writer.string(what)).done();
}

function listen(host: string, port: number): Uint8Array {
  return SshWriter.message(Message.globalRequest)
    .string('tcpip-forward')
    .boolean(true)
    .string(host)
    .uint32(port)
    .done();
}

/** With a session channel that both sides have. */
function session(more: Omit<TermsOf, 'target'> = {}) {
  const all = connection(more);
  all.connection.fromClient(open('session').done());
  all.connection.fromTarget(confirmation);
  return all;
}

const numbersOf = (messages: readonly Uint8Array[]): number[] => messages.map(([number]) => number!);
const texts = (messages: readonly Uint8Array[]): string => Buffer.concat(messages).toString('latin1');

describe('a connection passes what is known', () => {
  it('byte for byte, with the numbers of both sides, and tapes all of it', () => {
    const { connection: it, seen } = session();
    const said = [request('exec', 'uname'), M.data(TARGET, Buffer.from('in')), M.about(Message.eof, TARGET)];
    for (const message of said) it.fromClient(message);
    const answered = [
      M.about(Message.success, CLIENT),
      M.extendedData(CLIENT, Buffer.from('err')),
      M.data(CLIENT, Buffer.from('out')),
      M.exitStatus(CLIENT, 3),
      M.about(Message.close, CLIENT),
    ];
    for (const message of answered) it.fromTarget(message);
    expect(seen.toTarget.slice(1)).toEqual(said.map((bytes) => Uint8Array.from(bytes)));
    expect(seen.toClient.slice(1)).toEqual(answered.map((bytes) => Uint8Array.from(bytes)));
    expect(seen.taped).toHaveLength(2 + said.length + answered.length);
    expect([...seen.said, ...seen.asked]).toEqual([]);
  });

  it('but for a part of each window, out of which the gateway can say something at any time', () => {
    const { connection: it, seen } = session();
    expect(M.readConfirmation(seen.toClient[0]!).window).toBe(WINDOW - 4096);
    it.tell('your access has ended');
    expect(numbersOf(seen.said)).toEqual([Message.extendedData]);
    expect(texts(seen.said)).toContain('custody: your access has ended');
  });

  it('frees a number once both sides have closed', () => {
    const { connection: it } = session();
    it.fromClient(M.about(Message.close, TARGET));
    expect(it.channels).toBe(1);
    it.fromTarget(M.about(Message.close, CLIENT));
    expect(it.channels).toBe(0);
  });

  it('relays why a target does not open a channel', () => {
    const { connection: it, seen } = connection();
    it.fromClient(open('session').done());
    const failure = M.openFailure(CLIENT, 4, 'no more sessions');
    it.fromTarget(failure);
    expect(seen.toClient).toEqual([Uint8Array.from(failure)]);
    expect(it.channels).toBe(0);
  });

  it('keeps the target’s host keys from the client', () => {
    const { connection: it, seen } = connection();
    it.fromTarget(
      SshWriter.message(Message.globalRequest).string('hostkeys-00@openssh.com').boolean(false).done(),
    );
    expect(seen.toClient).toEqual([]);
    expect(seen.taped).toHaveLength(1);
  });
});

describe('what is not allowed (security case 8)', () => {
  it.each([
    ['a connection to elsewhere', direct('db.internal', 5432)],
    ['the metadata address (security case 9)', direct('169.254.169.254', 80)],
    [
      'a socket of the target',
      open('direct-streamlocal@openssh.com').string('/run/x').string('').uint32(0).done(),
    ],
    ['a tunnel', open('tun@openssh.com').uint32(1).uint32(0).done()],
    ['an unknown kind', open('evil@example.com').done()],
  ])('is no channel: %s', (_, message) => {
    const { connection: it, seen } = connection();
    it.fromClient(message);
    expect(seen.toTarget).toEqual([]);
    expect(numbersOf(seen.said)).toEqual([Message.openFailure]);
    expect(seen.notes).toMatchObject([{ note: 'ssh-refused', what: 'open' }]);
  });

  it('is no listening at the target, no agent, no X11, no unknown variable, no unknown request', () => {
    const { connection: it, seen } = session();
    it.fromClient(listen('', 8080));
    for (const name of ['auth-agent-req@openssh.com', 'x11-req', 'evil@example.com'])
      it.fromClient(request(name));
    it.fromClient(request('env', 'LD_PRELOAD'));
    expect(numbersOf(seen.toTarget)).toEqual([Message.open]);
    expect(numbersOf(seen.said)).toEqual([Message.requestFailure, ...Array(4).fill(Message.failure)]);
  });

  it('is no channel that the target opens unasked', () => {
    const { connection: it, seen } = connection();
    const agent = open('auth-agent@openssh.com', TARGET).done();
    const forwarded = open('forwarded-tcpip', TARGET).string('').uint32(8080).string('a').uint32(1).done();
    for (const message of [agent, forwarded, open('x11', TARGET).string('a').uint32(1).done()])
      it.fromTarget(message);
    expect(seen.toClient).toEqual([]);
    expect(numbersOf(seen.asked)).toEqual(Array(3).fill(Message.openFailure));
  });
});

describe('a rule that lets somebody forward', () => {
  const rule = {
    forward: { local: ['db.internal:5432'], remote: ['localhost:8080'], agent: false, x11: false },
  };

  it('lets it to the places that it names, and no further', () => {
    const { connection: it, seen } = connection({ rule });
    it.fromClient(direct('db.internal', 5432));
    expect(numbersOf(seen.toTarget)).toEqual([Message.open]);
    expect(seen.notes).toMatchObject([{ note: 'ssh-forward', direction: 'local', to: 'db.internal:5432' }]);
    it.fromClient(open('direct-tcpip', 8).string('db.internal').uint32(22).string('').uint32(0).done());
    expect(numbersOf(seen.said)).toEqual([Message.openFailure]);
  });

  it('lets the target connect back only to what was asked for and granted', () => {
    const { connection: it, seen } = connection({ rule });
    const back = open('forwarded-tcpip', TARGET)
      .string('localhost')
      .uint32(8080)
      .string('a')
      .uint32(1)
      .done();
    it.fromTarget(back);
    it.fromClient(listen('localhost', 8080));
    it.fromTarget(Uint8Array.of(Message.requestSuccess));
    it.fromTarget(back);
    expect(numbersOf(seen.asked)).toEqual([Message.openFailure]);
    expect(numbersOf(seen.toClient)).toEqual([Message.requestSuccess, Message.open]);
  });

  it('is no longer than its certificate: one that permits no forwarding takes it away', () => {
    const certificate = { permits: new Set(['permit-pty']) };
    const { connection: it, seen } = connection({ rule, certificate });
    it.fromClient(direct('db.internal', 5432));
    expect(numbersOf(seen.said)).toEqual([Message.openFailure]);
  });
});

describe('answers of the gateway', () => {
  it('come after those of the target to what was asked before', () => {
    const { connection: it, seen } = session();
    it.fromClient(request('env', 'LANG'));
    it.fromClient(request('evil@example.com'));
    expect(seen.said).toEqual([]);
    it.fromTarget(M.about(Message.success, CLIENT));
    expect(numbersOf(seen.said)).toEqual([Message.failure]);
  });
});

describe('a session for exact commands', () => {
  const approved = { statements: [{ sha256: statementHash('systemctl restart web') }] };

  it('claims its grant before the first of them goes on, and holds what comes meanwhile', async () => {
    const { connection: it, seen, claimed } = session(approved);
    it.fromClient(request('exec', 'systemctl restart web'));
    it.fromClient(M.about(Message.eof, TARGET));
    expect([seen.claims, it.holds, seen.toTarget.length]).toEqual([1, true, 1]);
    claimed.resolve();
    await claimed.promise;
    expect(numbersOf(seen.toTarget)).toEqual([Message.open, Message.request, Message.eof]);
  });

  it.each([
    ['another command', request('exec', 'systemctl stop web')],
    ['more than the command', request('exec', 'systemctl restart web; id')],
    ['a shell', request('shell')],
    ['a file transfer (security case 4)', request('subsystem', 'sftp')],
    ['scp (security case 4)', request('exec', 'scp -t /etc')],
  ])('runs nothing else: %s', (_, message) => {
    const { connection: it, seen } = session(approved);
    it.fromClient(message);
    expect(seen.claims).toBe(0);
    expect(numbersOf(seen.toTarget)).toEqual([Message.open]);
    expect(numbersOf(seen.asked)).toEqual([Message.close]);
    expect(texts(seen.said)).toMatch(/custody: (?:only the approved|this command is not one)/);
  });

  it('gets no terminal and no input', async () => {
    const { connection: it, seen, claimed } = session(approved);
    it.fromClient(request('pty-req', 'xterm'));
    it.fromClient(request('exec', 'systemctl restart web'));
    claimed.resolve();
    await claimed.promise;
    it.fromClient(M.data(TARGET, Buffer.from('id\n')));
    expect(texts(seen.toTarget)).not.toContain('id\n');
    expect(numbersOf(seen.asked)).toEqual([Message.close]);
  });
});

describe('a certificate with a command', () => {
  it('runs that, whatever is asked for', () => {
    const certificate = { forcedCommand: 'uptime', permits: new Set<string>() };
    for (const asked of [request('shell'), request('exec', 'id'), request('subsystem', 'sftp')]) {
      const { connection: it, seen } = session({ certificate });
      it.fromClient(asked);
      const reader = new SshReader(seen.toTarget[1]!, 5);
      expect([reader.text(64), reader.boolean(), reader.text(64)]).toEqual(['exec', true, 'uptime']);
    }
  });
});

describe('a peer that does not keep to the protocol', () => {
  it.each([
    ['speaks of a channel that is not there', M.data(99, Buffer.from('x'))],
    ['sends data before it says what runs', M.data(TARGET, Buffer.from('x'))],
    ['uses a number twice', open('session').done()],
    ['says a longer text than there is', SshWriter.message(Message.data).uint32(TARGET).uint32(99).done()],
    ['answers what nobody asked', confirmation],
  ])('ends the session: it %s', (_, message) => {
    const { connection: it } = session();
    expect(() => it.fromClient(message)).toThrow(expect.objectContaining({ code: 'protocol-violation' }));
  });
});
