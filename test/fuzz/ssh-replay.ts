/** Tapes of SSH, which peers fill with what they like: whoever reads them shows it in a terminal. */
import { isDeepStrictEqual } from 'node:util';
import { asciicast } from '#core/replay/asciicast.ts';
import { formatSshStep } from '#core/replay/ssh/format.ts';
import { sshStepShape } from '#core/replay/ssh/shape.ts';
import { sshTerminal } from '#core/replay/ssh/terminal-events.ts';
import type { ReplayFrame } from '#core/replay/step.ts';
import { escapeLines } from '#core/replay/text.ts';
import {
  ask,
  asyncOf,
  confirm,
  gateway,
  login,
  openOf,
  ptyRequest,
  session,
  stepsOf,
  Tape,
} from '#test/core/replay/ssh/support.ts';
import type { FuzzTarget } from './target.ts';

const STREAMS = ['client', 'target', 'gateway', 'note'] as const;
const WITHHELD = 4;
const CAST = { version: 3, startedAt: 0, title: '', input: true } as const;

/** Frames, each behind its stream and a length of two bytes. */
function packed(frames: readonly ReplayFrame[]): Uint8Array {
  return Buffer.concat(
    frames.flatMap(({ stream, withheld, payload }) => {
      const head = Buffer.of(STREAMS.indexOf(stream) + (withheld ? WITHHELD : 0), 0, 0);
      head.writeUInt16BE(payload.length, 1);
      return [head, payload];
    }),
  );
}

function unpacked(bytes: Uint8Array): ReplayFrame[] {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const frames: ReplayFrame[] = [];
  for (let at = 0; at + 3 <= view.length; at += 3 + view.readUInt16BE(at + 1)) {
    const payload = bytes.subarray(at + 3, at + 3 + view.readUInt16BE(at + 1));
    const head = view[at]!;
    const withheld = (head & WITHHELD) !== 0;
    frames.push({ stream: STREAMS[head & 3]!, withheld, timeUs: frames.length * 1000, payload });
  }
  return frames;
}

/** The same tape in frames of three bytes; a note is one frame. */
function cut(frames: readonly ReplayFrame[]): ReplayFrame[] {
  return frames.flatMap((frame) => {
    if (frame.stream === 'note') return [frame];
    const parts = Math.max(1, Math.ceil(frame.payload.length / 3));
    return Array.from({ length: parts }, (_, n) => ({
      ...frame,
      payload: frame.payload.subarray(n * 3, n * 3 + 3),
    }));
  });
}

function shell(): Uint8Array {
  const peers = session();
  peers.run(ptyRequest(20, 5));
  peers.run(ask('shell').done());
  peers.print('\x1b]133;A\x07$ \x1b]133;B\x07');
  peers.type('ls\r');
  peers.print('ls\r\n\x1b]133;C\x07file\r\n$ ');
  peers.type('\x1b[200~a\nb\x1b[201~\r');
  peers.print('\x1b[?1049h\x1b[2J~\x1b[?1049l');
  peers.client(ask('window-change', 3, false).uint32(9).uint32(9).uint32(0).uint32(0).done());
  peers.tape.note({ note: 'ssh-file', channel: 7, path: 'x' });
  peers.close(0);
  return packed([...login(new Tape()).frames, ...peers.tape.frames]);
}

function transfer(): Uint8Array {
  const peers = session();
  peers.run(ask('subsystem').string('sftp').done());
  peers.type(Uint8Array.of(0, 0, 0, 5, 1, 0, 0, 0, 3));
  peers.print(Uint8Array.of(0, 0, 0, 5, 2, 0, 0, 0, 3));
  peers.complain('no');
  peers.close(1);
  return packed(peers.tape.frames);
}

function refusals(): Uint8Array {
  const peers = gateway();
  peers.client(openOf('direct-tcpip', 1).string('db').uint32(5432).string('10.0.0.9').uint32(5555).done());
  peers.target(openOf('forwarded-tcpip', 2).string('db').uint32(1).string('10.0.0.9').uint32(2).done());
  peers.client(openOf('session', 7).done());
  peers.target(confirm(7, 3));
  peers.client(ask('x11-req').done());
  return packed(peers.tape.frames);
}

/** Whatever the tape holds becomes steps of their shape that a terminal takes for text, and the same ones however it is cut. */
const steps: FuzzTarget = {
  name: 'ssh-tape-steps',
  seeds: () => [shell(), transfer(), refusals()],
  run: async (bytes) => {
    const frames = unpacked(bytes);
    const read = await stepsOf(frames);
    if (read.at(-1)?.kind !== 'end') throw new Error('no end');
    for (const step of read) {
      sshStepShape.parse(step);
      const text = formatSshStep(step);
      if (escapeLines(text) !== text) throw new Error('a line that a terminal acts on');
    }
    if (!isDeepStrictEqual(await stepsOf(cut(frames)), read)) throw new Error('steps depend on cuts');
  },
};

/** A terminal's recording is JSON, line by line, whatever was printed. */
const cast: FuzzTarget = {
  name: 'ssh-tape-cast',
  seeds: () => [shell(), transfer()],
  run: async (bytes) => {
    const terminal = sshTerminal(asyncOf(unpacked(bytes)), undefined);
    for await (const line of asciicast(terminal, CAST, { replaced: false })) JSON.parse(line);
  },
};

export const targets: readonly FuzzTarget[] = [steps, cast];
