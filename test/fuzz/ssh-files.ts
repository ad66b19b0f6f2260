import { isDeepStrictEqual } from 'node:util';
import type { ChannelGate } from '#core/protocols/ssh/channels/gate.ts';
import { FileRights } from '#core/protocols/ssh/files/file-rights.ts';
import { scpCommand } from '#core/protocols/ssh/files/scp-command.ts';
import { ScpGate } from '#core/protocols/ssh/files/scp-gate.ts';
import { SftpGate } from '#core/protocols/ssh/files/sftp-gate.ts';
import { Sftp } from '#core/protocols/ssh/files/sftp-stream.ts';
import { fileLines, gitLines } from '#core/replay/ssh/files/format.ts';
import { fileReaderFor } from '#core/replay/ssh/files/readers.ts';
import { fileShape, gitShape } from '#core/replay/ssh/files/shape.ts';
import type { SshStep } from '#core/replay/ssh/step.ts';
import { escapeTerminal } from '#core/replay/text.ts';
import { Hands, request } from '#test/core/protocols/ssh/files/support.ts';
import type { FuzzTarget } from './target.ts';

const DIRECTIONS = ['in', 'out', 'err'] as const;
const ID = 'd'.repeat(40);
const INIT = Buffer.from([0, 0, 0, 5, Sftp.init, 0, 0, 0, 3]);
const VERSION = Buffer.from([0, 0, 0, 5, Sftp.version, 0, 0, 0, 3]);

/** What passed, as pieces with a direction and a length of two bytes before each. */
function pieces(...said: readonly (readonly ['in' | 'out', string | Uint8Array])[]): Uint8Array {
  return Buffer.concat(
    said.flatMap(([direction, what]) => {
      const bytes = Buffer.from(what as Uint8Array);
      const length = Buffer.alloc(2);
      length.writeUInt16BE(bytes.length);
      return [Buffer.of(DIRECTIONS.indexOf(direction)), length, bytes];
    }),
  );
}

function* unpacked(
  bytes: Uint8Array,
): Generator<{ direction: (typeof DIRECTIONS)[number]; part: Uint8Array }> {
  for (let at = 0; at + 3 <= bytes.length; ) {
    const length = Buffer.from(bytes.buffer, bytes.byteOffset + at + 1, 2).readUInt16BE();
    yield { direction: DIRECTIONS[bytes[at]! % 3]!, part: bytes.subarray(at + 3, at + 3 + length) };
    at += 3 + length;
  }
}

const packet = (text: string): string => (text.length + 4).toString(16).padStart(4, '0') + text;

const sftpTalk = (): Uint8Array =>
  pieces(
    ['in', INIT],
    ['out', VERSION],
    ['in', request(Sftp.open, 1, (to) => to.string('/srv/a').uint32(26).uint32(4).uint32(0o644))],
    ['out', request(Sftp.handle, 1, (to) => to.string('h'))],
    ['in', request(Sftp.write, 2, (to) => to.string('h').uint64(0n).string('content'))],
    ['out', request(Sftp.status, 2, (to) => to.uint32(0).string('').string(''))],
    ['in', request(Sftp.read, 3, (to) => to.string('h').uint64(0n).uint32(7))],
    ['out', request(Sftp.data, 3, (to) => to.string('content'))],
    ['in', request(Sftp.close, 4, (to) => to.string('h'))],
    ['out', request(Sftp.status, 4, (to) => to.uint32(0).string('').string(''))],
    ['in', request(Sftp.rename, 5, (to) => to.string('/srv/a').string('/srv/b'))],
    ['out', request(Sftp.status, 5, (to) => to.uint32(3).string('no').string(''))],
    ['in', request(Sftp.opendir, 6, (to) => to.string('.'))],
    ['out', request(Sftp.name, 6, (to) => to.uint32(1).string('a').string('-rw a').uint32(0))],
  );

const scpTalk = (): Uint8Array =>
  pieces(
    ['out', '\0'],
    ['in', 'T1 0 1 0\n'],
    ['out', '\0'],
    ['in', 'D0755 0 tree\n'],
    ['out', '\0'],
    ['in', 'C0644 7 name\n'],
    ['out', '\0'],
    ['in', 'content\0'],
    ['out', '\0'],
    ['in', 'C0600 1 b\n'],
    ['out', '\x01scp: no\n'],
    ['in', 'E\n'],
    ['out', '\0'],
  );

const pushTalk = (): Uint8Array =>
  pieces(
    ['out', `${packet(`${ID} refs/heads/main\0report-status side-band-64k\n`)}0000`],
    [
      'in',
      `${packet(`${ID} ${'e'.repeat(40)} refs/heads/main\0report-status side-band-64k`)}0000PACK\0\0\0\x02\0\0\0\x01`,
    ],
    ['out', packet(`\x01${packet('unpack ok\n')}${packet('ok refs/heads/main\n')}0000`)],
  );

const fetchTalk = (): Uint8Array =>
  pieces(
    ['out', `${packet('version 2\n')}0000`],
    ['in', `${packet('command=ls-refs\n')}00010000`],
    ['out', `${packet(`${ID} HEAD symref-target:refs/heads/main\n`)}0000`],
    ['in', `${packet('command=fetch')}0001${packet(`want ${ID}\n`)}${packet('deepen 1')}0000`],
    ['out', `${packet('packfile\n')}${packet('\x01PACK\0\0\0\x02\0\0\0\x01')}0000`],
  );

/** Whatever passed becomes steps that fit their shape and are safe to show, and the same ones however it is cut. */
function reading(
  name: string,
  kind: 'exec' | 'subsystem',
  command: string,
  seed: () => Uint8Array,
): FuzzTarget {
  return {
    name,
    seeds: () => [seed()],
    run: (bytes) => {
      const whole = stepsOf(kind, command, bytes, 1 << 16);
      if (!isDeepStrictEqual(stepsOf(kind, command, bytes, 3), whole))
        throw new Error('steps depend on cuts');
      for (const { file, git } of whole) {
        const lines = [...(file ? fileLines(file) : []), ...(git ? gitLines(git) : [])];
        if (lines.some((line) => escapeTerminal(line) !== line))
          throw new Error('a line that a terminal acts on');
        if (file) fileShape.strict().parse(file);
        if (git) gitShape.strict().parse(git);
      }
      if (whole.filter((step) => step.kind === 'damaged').length > 1) throw new Error('damaged twice');
    },
  };
}

function stepsOf(kind: 'exec' | 'subsystem', command: string, bytes: Uint8Array, cut: number): SshStep[] {
  const shown = { text: command, bytes: command.length, cut: false };
  const reader = fileReaderFor({
    channel: 1,
    kind,
    command: shown,
    bytes: Buffer.from(command),
    text: 4096,
  })!;
  const steps: SshStep[] = [];
  let at = 0;
  for (const { direction, part } of unpacked(bytes)) {
    at += 1;
    for (let from = 0; from < part.length; from += cut)
      steps.push(...reader.take(direction, part.subarray(from, from + cut), at, false));
  }
  return [...steps, ...reader.end(at + 1)];
}

/** No byte goes on that did not come or that the gate does not say itself, and what goes on is the same however it is cut. */
function gating(name: string, make: () => ChannelGate, seed: () => Uint8Array): FuzzTarget {
  return {
    name,
    seeds: () => [seed()],
    run: (bytes) => {
      const [whole, cut] = [gated(make(), bytes, 1 << 16), gated(make(), bytes, 5)];
      if (whole.closed === undefined && !isDeepStrictEqual(cut, whole))
        throw new Error('what passes depends on cuts');
      if ((whole.closed === undefined) !== (cut.closed === undefined))
        throw new Error('refused by how it is cut');
    },
  };
}

function gated(gate: ChannelGate, bytes: Uint8Array, cut: number) {
  const hands = new Hands();
  for (const { direction, part } of unpacked(bytes))
    for (let from = 0; from < part.length && hands.closedWith === undefined; from += cut) {
      const piece = part.subarray(from, from + cut);
      if (direction === 'in') gate.fromClient(piece, hands);
      else gate.fromTarget(piece, hands, direction === 'err');
      if (hands.withheld.splice(0).some(([start, end]) => start > end || end > piece.length))
        throw new Error('zeros where nothing stands');
    }
  const { target, client } = hands.flush();
  gate.closed(hands);
  return {
    target: target.toString('hex'),
    client: client.toString('hex'),
    closed: hands.closedWith,
    notes: hands.notes,
  };
}

function sftpGate(): SftpGate {
  let next = 0x9000_0000;
  const rights = new FileRights({ upload: ['/srv/**'] });
  return new SftpGate({ rights, digests: true, random: () => next++ });
}

export const targets: readonly FuzzTarget[] = [
  reading('ssh-sftp-steps', 'subsystem', 'sftp', sftpTalk),
  reading('ssh-scp-steps', 'exec', 'scp -t x', scpTalk),
  reading('ssh-git-push-steps', 'exec', "git-receive-pack 'x'", pushTalk),
  reading('ssh-git-fetch-steps', 'exec', "git-upload-pack 'x'", fetchTalk),
  gating('ssh-sftp-gate', sftpGate, sftpTalk),
  gating('ssh-scp-gate', () => new ScpGate(scpCommand('scp -t x')!, true), scpTalk),
];
