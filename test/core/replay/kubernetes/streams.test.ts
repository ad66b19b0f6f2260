/** Commands, copies and forwarded connections of a recorded session. */
import { describe, expect, it } from 'vitest';
import { Record } from '#core/protocols/kubernetes/tape.ts';
import { asciicast } from '#core/replay/asciicast.ts';
import { kubernetesPieces } from '#core/replay/kubernetes/pieces.ts';
import { kubernetesTerminal } from '#core/replay/kubernetes/terminal-events.ts';
import { LOGIN, server } from '#test/core/replay/support.ts';
import { asyncOf, GRANTED, message, PODS, sha256, stepsOf, Tape, textOf, UPGRADE } from './support.ts';

const [STDIN, STDOUT, STDERR, ERROR, RESIZE] = [0, 1, 2, 3, 4];
const OK = '{"metadata":{},"status":"Success"}';
const exited = (code: number): string =>
  JSON.stringify({
    ...{ metadata: {}, status: 'Failure', reason: 'NonZeroExitCode', message: `exit code ${code}` },
    details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
  });

function run(query: string, said: readonly (readonly [number, string])[], subresource = 'exec'): Tape {
  const tape = new Tape();
  const call = tape.ask({ target: `${PODS}/web-0/${subresource}?${query}`, headers: UPGRADE });
  tape.forward(call).head(call, 101, GRANTED);
  for (const [channel, text] of said) {
    const isClient = channel === STDIN || channel === RESIZE;
    tape.record(isClient ? 'client' : 'target', Record.stream, call, message(channel, text, isClient));
  }
  tape.record('target', Record.streamEnd, call, Buffer.alloc(0));
  return tape.record('client', Record.streamEnd, call, Buffer.alloc(0));
}

describe('a command', () => {
  it('is told when it begins and when it is over, with what it was given and said, and how it ended', async () => {
    const tape = run('command=sh&command=-c&command=ls+%2Ftmp&container=main&stdin=true', [
      [STDIN, 'in'],
      [STDOUT, 'out'],
      [STDERR, 'err'],
      [ERROR, exited(7)],
    ]);
    const [, begun, step] = await stepsOf(tape);
    expect(begun).toMatchObject({ kind: 'begun', command: { text: "sh -c 'ls /tmp'" } });
    expect(step).toMatchObject({
      kind: 'exec',
      outcome: 'failed',
      channel: 1,
      words: ['sh', '-c', 'ls /tmp'],
      program: {
        ...{ container: 'main', exitCode: 7 },
        input: { bytes: 2, sha256: sha256('in') },
        output: { sample: { text: 'out' } },
        errors: { sample: { text: 'err' } },
      },
    });
    expect(textOf(step!)).toMatch(/#1 create pods\/exec dev\/web-0 \[sh -c 'ls \/tmp'\] → 101, exit 7/);
  });

  it('in a terminal has the lines that were typed', async () => {
    const tape = run('command=bash&tty=true&stdin=true', [
      [RESIZE, '{"Width":100,"Height":30}\n'],
      [STDOUT, '$ '],
      ...['l', 's'].flatMap((letter) => [[STDIN, letter] as const, [STDOUT, letter] as const]),
      [STDIN, '\r'],
      [STDOUT, '\r\nfile\r\n$ '],
      [RESIZE, '{"Width":80,"Height":24}\n'],
      [ERROR, OK],
    ]);
    const steps = await stepsOf(tape);
    expect(steps.find(({ kind }) => kind === 'command')).toMatchObject({
      ...{ channel: 1, command: { text: 'ls' }, prompt: { text: '$ ' }, heuristic: true },
    });
    expect(steps.find(({ kind }) => kind === 'exec')?.program).toMatchObject({
      ...{ tty: true, size: { columns: 100, rows: 30 }, resized: 1, exitCode: 0, commands: 1 },
    });
    const events = [];
    for await (const event of kubernetesTerminal(asyncOf(tape.frames))) events.push(event);
    expect(events.map(({ kind }) => kind)).toEqual([
      ...[
        'start',
        'resize',
        'output',
        'input',
        'output',
        'input',
        'output',
        'input',
        'output',
        'resize',
        'exit',
      ],
    ]);
    const options = { version: 3, startedAt: 0, title: 't', input: false } as const;
    const cast = [];
    for await (const line of asciicast(kubernetesTerminal(asyncOf(tape.frames), 1), options, {
      replaced: false,
    }))
      cast.push(JSON.parse(line));
    expect(cast[0]).toMatchObject({ version: 3, command: 'bash' });
    expect(cast.map((line) => line[1]).filter(Boolean)).toEqual(['r', 'o', 'o', 'o', 'o', 'r', 'x']);
  });

  it('whose frames are none is damaged, once, and the rest goes on', async () => {
    const tape = new Tape();
    const call = tape.ask({ target: `${PODS}/web-0/exec?command=ls`, headers: UPGRADE });
    tape.forward(call).head(call, 101, GRANTED);
    for (let n = 0; n < 3; n += 1) tape.record('target', Record.stream, call, Buffer.alloc(20, 0xff));
    tape.record('gateway', Record.cut, call, { by: 'gateway', code: 'terminated' });
    const steps = await stepsOf(tape);
    expect(steps.filter(({ kind }) => kind === 'damaged')).toHaveLength(1);
    expect(steps.at(-2)).toMatchObject({ kind: 'exec', outcome: 'ended' });
  });

  it('that was refused is a call', async () => {
    const tape = new Tape();
    const asked = { target: `${PODS}/web-0/exec?command=ls`, headers: UPGRADE };
    tape.call(asked, 403, { kind: 'Status', reason: 'Forbidden' });
    expect((await stepsOf(tape))[1]).toMatchObject({ kind: 'call', outcome: 'refused', words: ['ls'] });
  });

  it('gives what was typed in pieces to those who search', () => {
    const pieces = kubernetesPieces();
    const said = run('command=sh&tty=true', [
      [STDIN, 'hun'],
      [STDIN, 'ter2'],
    ]).frames.flatMap((frame) => [...pieces(frame)]);
    const typed = said.filter(({ lane }) => lane === 'stdin of call 1, of the client');
    expect(typed.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(['hun', 'ter2']);
  });
});

/** Channels of the WebSocket form of port-forward: two for each port, which both begin with the port's number. */
function forwarded(said: readonly (readonly ['client' | 'target', Uint8Array | string])[]): Tape {
  const tape = new Tape();
  const granted = GRANTED.map(([name, value]) => [name, value.replace('v5.', 'v4.')] as const);
  const call = tape.ask({ target: `${PODS}/db-0/portforward?ports=5432`, headers: UPGRADE });
  tape.forward(call).head(call, 101, granted);
  const port = Buffer.from([5432 & 0xff, 5432 >>> 8]);
  for (const channel of [0, 1]) tape.record('target', Record.stream, call, message(channel, port));
  for (const [from, bytes] of said)
    tape.record(from, Record.stream, call, message(0, bytes, from === 'client'));
  tape.record('target', Record.streamEnd, call, Buffer.alloc(0));
  return tape.record('client', Record.streamEnd, call, Buffer.alloc(0));
}

describe('a forwarded connection', () => {
  it('is a step with what passed both ways', async () => {
    const steps = await stepsOf(
      forwarded([
        ['client', 'GET / HTTP/1.1\r\n\r\n'],
        ['target', 'HTTP/1.1 200 OK\r\n\r\n'],
      ]),
    );
    expect(steps.find(({ kind }) => kind === 'forward')?.forward).toMatchObject({
      ...{ number: 1, port: 5432, to: 'dev/db-0' },
      sent: { sample: { text: 'GET / HTTP/1.1\r\n\r\n' } },
      received: { bytes: 19 },
    });
    expect(steps.find(({ kind }) => kind === 'portforward')).toMatchObject({ forwards: 1 });
  });

  it('that asks for encryption and gets it is read no further', async () => {
    const ssl = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
    const steps = await stepsOf(
      forwarded([
        ['client', ssl],
        ['target', 'S'],
        ['client', Buffer.from([22, 3, 1, 0, 200, 1])],
      ]),
    );
    expect(steps.map(({ kind }) => kind)).toEqual(['login', 'begun', 'forward', 'portforward', 'end']);
  });

  it('to a database in plain text is read as its statements', async () => {
    const ssl = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
    const query = Buffer.concat([Buffer.from('Q'), Buffer.from([0, 0, 0, 13]), Buffer.from('SELECT 1\0')]);
    const login = LOGIN.flatMap(([by, ...messages]) =>
      messages.map((bytes) => [by === 'client' ? 'client' : 'target', bytes] as const),
    );
    const tape = forwarded([
      ['client', ssl],
      ['target', 'N'],
      ...login,
      ['client', query],
      ['target', server.tag('SELECT 1')],
      ['target', server.ready],
    ]);
    const steps = await stepsOf(tape);
    const carried = steps.filter(({ kind }) => kind === 'carried');
    expect(carried.map((step) => step.carried?.step['kind'])).toEqual(['login', 'query']);
    expect(textOf(carried[1]!)).toContain('SELECT 1');
    expect(steps.find(({ kind }) => kind === 'forward')?.forward?.speaks).toBe('postgres');
  });
});
