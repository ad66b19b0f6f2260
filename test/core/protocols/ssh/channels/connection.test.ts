import { describe, expect, test } from 'vitest';
import { nameStatements } from '#core/access/statements.ts';
import { CustodyError } from '#core/errors.ts';
import type { GateHands } from '#core/protocols/ssh/channels/gate.ts';
import { about, data, Message, windowAdjust } from '#core/protocols/ssh/channels/messages.ts';
import { termsOf } from '#core/protocols/ssh/channels/terms.ts';
import { SshWriter } from '#core/protocols/ssh/wire.ts';
import {
  CLIENT,
  confirmation,
  exec,
  OPEN_TERMS,
  open,
  place,
  request,
  stand,
  TARGET,
  TARGETS,
  told,
  withSession,
} from './stand.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const words = (payloads: readonly Uint8Array[]): string[] => payloads.map(told);
const exactly = (...texts: string[]) => termsOf({ target: TARGET, statements: nameStatements(texts) });
const forwarding = (forward: object) =>
  termsOf({
    target: TARGET,
    rule: { forward: { local: [], remote: [], agent: false, x11: false, ...forward } },
  });

describe('what passes', () => {
  test('goes on byte for byte, after it is on the tape', () => {
    const stood = withSession();
    const messages = [exec('ls'), data(TARGETS, bytes('input')), about(Message.eof, TARGETS)];
    for (const message of messages) stood.client(message);
    expect(stood.happened.map(({ what }) => what)).toEqual(
      messages.flatMap(() => ['tape>client', 'target<']),
    );
    expect(stood.toTarget()).toEqual(messages.map((message) => Uint8Array.from(message)));
  });

  test('numbers of either side are those of the far peer, and free again after both have closed', () => {
    const stood = withSession();
    stood.client(about(Message.close, TARGETS));
    expect(() => stood.client(open().done())).toThrow('twice');
    stood.target(about(Message.close, CLIENT));
    stood.client(open().done());
    stood.target(confirmation());
    expect(stood.connection.channels).toBe(1);
  });

  test('a part of both windows is kept for the gateway, and filled again from what is granted', () => {
    const stood = stand();
    stood.client(open('session', CLIENT, 100_000).done());
    stood.target(confirmation(CLIENT, TARGETS, 100_000));
    expect(new DataView(stood.toTarget()[0]!.buffer).getUint32(1 + 4 + 7 + 4)).toBe(100_000 - 4096);
    stood.connection.tell('over');
    stood.happened.length = 0;
    stood.client(windowAdjust(TARGETS, 5000));
    expect(words(stood.toTarget())).toEqual([`windowAdjust ${TARGETS} ${5000 - 'custody: over\n'.length}`]);
  });

  test.each([
    ['a channel that is not there', data(99, bytes('x'))],
    ['data before anything runs', data(TARGETS, bytes('x'))],
    ['a message cut short', Uint8Array.of(Message.data, 0, 0)],
    ['data of another length than it says', Uint8Array.of(Message.data, 0, 0, 0, TARGETS, 0, 0, 0, 9, 1)],
    ['a confirmation of what the client opened itself', confirmation(TARGETS, 1)],
  ])('%s is a violation', (_, message) => {
    expect(() => {
      const stood = withSession();
      stood.client(message);
    }).toThrow(expect.objectContaining({ code: 'protocol-violation' }));
  });

  test("answers come in the order of the requests, also the gateway's own", () => {
    const stood = withSession();
    stood.client(request('pty-req').string('xterm').done());
    stood.client(request('env').string('LD_PRELOAD').string('x').done());
    stood.client(request('shell').done());
    expect(stood.toClient()).toEqual([]);
    stood.target(about(Message.success, CLIENT));
    stood.target(about(Message.success, CLIENT));
    expect(words(stood.toClient())).toEqual([`success ${CLIENT}`, `failure ${CLIENT}`, `success ${CLIENT}`]);
  });

  test("the answer to the gateway's own question stays here", () => {
    const stood = withSession();
    stood.connection.askAlive();
    stood.client(
      SshWriter.message(Message.globalRequest).string('keepalive@openssh.com').boolean(true).done(),
    );
    stood.target(Uint8Array.of(Message.requestFailure));
    expect(stood.toClient()).toEqual([]);
    stood.target(Uint8Array.of(Message.requestFailure));
    expect(words(stood.toClient())).toEqual(['requestFailure']);
  });

  test("the target's host keys are not told to the client", () => {
    const stood = withSession();
    stood.target(
      SshWriter.message(Message.globalRequest)
        .string('hostkeys-00@openssh.com')
        .boolean(false)
        .string('k')
        .done(),
    );
    expect(stood.happened.map(({ what }) => what)).toEqual(['tape>target']);
  });
});

describe('what is to run', () => {
  test('one thing a channel; another may be tried after a failure', () => {
    const stood = withSession();
    stood.client(request('subsystem').string('sftp').done());
    stood.client(exec('sh'));
    stood.target(about(Message.failure, CLIENT));
    expect(words(stood.toClient())).toEqual([`failure ${CLIENT}`, `failure ${CLIENT}`]);
    stood.client(exec('sftp-server'));
    expect(words(stood.toTarget()).at(-1)).toBe(`request ${TARGETS} exec sftp-server`);
  });

  test('a refusal is read as words and an exit status, and the channel closes at both ends', () => {
    const stood = withSession();
    stood.client(request('subsystem').string('netconf').done());
    expect(words(stood.toClient())).toEqual([
      `success ${CLIENT}`,
      expect.stringMatching(/^extendedData 7 1 custody: this target gives no such subsystem/),
      `request ${CLIENT} exit-status 126`,
      `eof ${CLIENT}`,
    ]);
    expect(words(stood.toTarget())).toEqual([`close ${TARGETS}`]);
    stood.target(about(Message.close, CLIENT));
    expect(words(stood.toClient())).toEqual([`close ${CLIENT}`]);
    stood.client(about(Message.close, TARGETS));
    expect(stood.toTarget()).toEqual([]);
    expect(stood.connection.channels).toBe(0);
  });

  test("a certificate's command runs in place of whatever is asked for", () => {
    const certificate = { forcedCommand: '/usr/bin/backup', permits: new Set<string>() };
    for (const asked of [request('shell').done(), exec('id'), request('subsystem').string('sftp').done()]) {
      const stood = withSession(termsOf({ target: TARGET, certificate }));
      stood.client(asked);
      expect(words(stood.toTarget())).toEqual([`request ${TARGETS} exec /usr/bin/backup`]);
    }
  });
});

describe('exact commands', () => {
  test('the grant is claimed before the first goes on; what comes meanwhile waits', async () => {
    const claim = Promise.withResolvers<void>();
    const stood = withSession(exactly('df -h'), () => claim.promise);
    stood.client(exec('df -h'));
    stood.client(about(Message.eof, TARGETS));
    expect(stood.toTarget()).toEqual([]);
    expect(stood.connection.holds).toBe(true);
    claim.resolve();
    await claim.promise;
    await Promise.resolve();
    expect(words(stood.toTarget())).toEqual([`request ${TARGETS} exec df -h`, `eof ${TARGETS}`]);
    expect(stood.resumed()).toBe(1);
  });

  test('nothing goes on when another session has the grant', async () => {
    const stood = withSession(exactly('df'), () => Promise.reject(new CustodyError('conflict', 'used')));
    stood.client(exec('df'));
    await new Promise(setImmediate);
    expect(stood.ends).toHaveLength(1);
    expect(stood.toTarget()).toEqual([]);
  });

  test('input ends it: nobody approved what a script on stdin says', async () => {
    const stood = withSession(exactly('sh'));
    stood.client(exec('sh'));
    await new Promise(setImmediate);
    stood.toTarget();
    stood.client(data(TARGETS, bytes('rm -rf /\n')));
    expect(words(stood.toTarget())).toEqual([`close ${TARGETS}`]);
  });

  test('security case 4: input of a file transfer ends it as any other does', async () => {
    const gate = {
      fromClient: (passing: Uint8Array, hands: GateHands) => hands.toTarget(passing),
      fromTarget: () => undefined,
      ended: () => undefined,
      closed: () => undefined,
    };
    const stood = withSession({ ...exactly('scp -t /srv'), gates: () => ({ gate }) });
    stood.client(exec('scp -t /srv'));
    await new Promise(setImmediate);
    stood.toTarget();
    stood.client(data(TARGETS, bytes('C0644 4 authorized_keys\n')));
    expect(words(stood.toTarget())).toEqual([`close ${TARGETS}`]);
  });

  test.each(['df  -h', 'df -h; id', 'df -h;', 'DF -h', 'df', 'df -h\v'])('%j is not "df -h"', (command) => {
    const stood = withSession(exactly('df -h'));
    stood.client(exec(command));
    expect(words(stood.toTarget())).toEqual([`close ${TARGETS}`]);
  });

  test.each([
    ['a shell', request('shell').done()],
    ['sftp', request('subsystem').string('sftp').done()],
    ['scp', exec('scp -t /tmp')],
    ['rsync', exec('rsync --server . /')],
  ])('security case 4: %s is refused as any other command is', (_, start) => {
    const stood = withSession(exactly('df -h'));
    stood.client(start);
    expect(words(stood.toTarget())).toEqual([`close ${TARGETS}`]);
  });
});

test.each([
  ['a shell', request('shell').done(), { kind: 'shell' }],
  ['scp', exec('scp -t /tmp'), { kind: 'exec', command: 'scp -t /tmp' }],
  ['sftp', request('subsystem').string('sftp').done(), { kind: 'subsystem', name: 'sftp' }],
])('security case 4: the gate is asked of %s', (_, start, expected) => {
  const asked: unknown[] = [];
  const gates = (what: unknown): { words: string } => {
    asked.push(what);
    return { words: 'no' };
  };
  const stood = withSession({ ...OPEN_TERMS, gates });
  stood.client(start);
  expect(asked).toEqual([expected]);
  expect(words(stood.toTarget())).toEqual([`close ${TARGETS}`]);
});

describe('security case 8: forwarding', () => {
  const asks: [string, () => Uint8Array][] = [
    ['ssh -L and -W', () => place(open('direct-tcpip', 9), '169.254.169.254', 80)],
    [
      'to a socket',
      () => open('direct-streamlocal@openssh.com', 9).string('/run/x').string('').uint32(0).done(),
    ],
    ['a tunnel', () => open('tun@openssh.com', 9).uint32(1).uint32(0).done()],
    ['of a type that nobody knows', () => open('new@example.com', 9).done()],
  ];
  test.each(asks)('%s is refused from a second channel too', (_, ask) => {
    const stood = withSession();
    stood.client(request('shell').done());
    stood.happened.length = 0;
    stood.client(ask());
    expect(stood.toTarget()).toEqual([]);
    expect(words(stood.toClient())).toEqual([expect.stringMatching(/^openFailure 9 [13] /)]);
    expect(stood.notes).toMatchObject([{ note: 'ssh-refused', what: 'open' }]);
  });

  test('passes to the places that a rule names, and to no other', () => {
    const stood = stand(
      forwarding({ local: ['db.internal:5432', '*.web.internal:*', '10.0.*:22', '[fd00::*]:443'] }),
    );
    const reaches = (host: string, port: number, number: number): boolean => {
      stood.client(place(open('direct-tcpip', number), host, port));
      return stood.toTarget().length === 1;
    };
    const allowed: [string, number][] = [
      ['db.internal', 5432],
      ['DB.internal', 5432],
      ['a.web.internal', 1],
      ['10.0.1.2', 22],
      ['fd00::1', 443],
    ];
    const refused: [string, number][] = [
      ['db.internal', 5433],
      ['db.internal.evil.example', 5432],
      ['web.internal', 80],
      ['10.0.evil.example', 22],
      ['10.0.1', 22],
      ['', 5432],
      ['127.0.0.1', 5432],
    ];
    expect(allowed.map(([host, port], at) => reaches(host, port, at))).toEqual(allowed.map(() => true));
    expect(refused.map(([host, port], at) => reaches(host, port, 100 + at))).toEqual(
      refused.map(() => false),
    );
  });

  test('a session for exact commands forwards nothing, whatever its rule says', () => {
    const rule = { forward: { local: ['*:*'], remote: ['*:*'], agent: true, x11: true } };
    const stood = stand(termsOf({ target: TARGET, rule, statements: nameStatements(['df']) }));
    stood.client(place(open('direct-tcpip'), 'db', 1));
    expect(stood.toTarget()).toEqual([]);
  });

  test.each([
    ['a listening port', 'tcpip-forward', (w: SshWriter) => w.string('localhost').uint32(8080)],
    ['a listening socket', 'streamlocal-forward@openssh.com', (w: SshWriter) => w.string('/tmp/x')],
  ])('%s is refused', (_, name, rest) => {
    const stood = withSession();
    stood.client(rest(SshWriter.message(Message.globalRequest).string(name).boolean(true)).done());
    expect(stood.toTarget()).toEqual([]);
    expect(words(stood.toClient())).toEqual(['requestFailure']);
  });

  test.each([
    ['forwarded-tcpip', (w: SshWriter) => place(w, 'localhost', 8080)],
    ['auth-agent@openssh.com', (w: SshWriter) => w.done()],
    ['x11', (w: SshWriter) => w.string('::1').uint32(1).done()],
    ['forwarded-streamlocal@openssh.com', (w: SshWriter) => w.string('/x').string('').done()],
  ])('the target may not open %s that nobody asked for', (type, rest) => {
    const stood = withSession(forwarding({ remote: ['*:*'], agent: true, x11: true }));
    stood.target(rest(open(type, 44)));
    expect(stood.toClient()).toEqual([]);
    expect(words(stood.toTarget())).toEqual([expect.stringMatching(/^openFailure 44 [13] /)]);
  });

  test('what the client asked for, the target may open, until it is cancelled', () => {
    const stood = withSession(forwarding({ remote: ['localhost:8080'] }));
    const global = (name: string): Uint8Array =>
      SshWriter.message(Message.globalRequest)
        .string(name)
        .boolean(true)
        .string('localhost')
        .uint32(8080)
        .done();
    stood.client(global('tcpip-forward'));
    stood.target(Uint8Array.of(Message.requestSuccess));
    stood.toClient();
    stood.target(place(open('forwarded-tcpip', 44), 'localhost', 8080));
    expect(words(stood.toClient())).toEqual(['open 15']);
    stood.client(global('cancel-tcpip-forward'));
    stood.target(Uint8Array.of(Message.requestSuccess));
    stood.toClient();
    stood.target(place(open('forwarded-tcpip', 45), 'localhost', 8080));
    expect(stood.toClient()).toEqual([]);
  });
});
