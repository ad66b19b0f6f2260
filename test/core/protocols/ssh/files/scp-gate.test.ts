import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { scpCommand } from '#core/protocols/ssh/files/scp-command.ts';
import { ScpGate } from '#core/protocols/ssh/files/scp-gate.ts';
import type { SshStep } from '#core/replay/ssh/step.ts';
import { readerOf } from '#test/core/replay/ssh/files/captured.ts';
import { hasOpenSsh } from '#test/support/ssh-tools.ts';
import { Hands, Tape } from './support.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'scp-gate-')));
  for (const name of ['from/deep', 'to']) mkdirSync(join(root, name), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true }));

/** A client and a target, both real, on the two sides of a gate; and what reads its tape. */
class Between {
  readonly hands = new Hands();
  readonly tape: Tape;
  readonly #gate: ScpGate;
  readonly #cut: number;

  constructor(command: string, cut: number) {
    this.#gate = new ScpGate(scpCommand(command)!, true);
    this.tape = new Tape(this.hands, readerOf({ kind: 'exec', command })!);
    this.#cut = cut;
  }

  async run(client: readonly string[], target: readonly string[]): Promise<void> {
    const sides = { client: spawn('scp', client), target: spawn('scp', target) };
    const ends = Object.entries(sides).map(
      ([name, side]) =>
        new Promise<void>((resolve) => {
          side.stdout.on('data', (bytes: Buffer) => this.#take(name as 'client' | 'target', bytes, sides));
          side.stdin.on('error', () => undefined);
          side.on('close', () => {
            for (const other of Object.values(sides)) other.stdin.end();
            resolve();
          });
        }),
    );
    await Promise.all(ends);
    this.#gate.closed(this.hands);
    this.tape.end();
  }

  #take(
    side: 'client' | 'target',
    bytes: Buffer,
    to: Record<'client' | 'target', ChildProcessWithoutNullStreams>,
  ): void {
    for (let from = 0; from < bytes.length; from += this.#cut) {
      const part = bytes.subarray(from, from + this.#cut);
      if (side === 'client') this.#gate.fromClient(part, this.hands);
      else this.#gate.fromTarget(part, this.hands, false);
      this.tape.record(side, part);
      const { target, client } = this.hands.flush();
      if (target.length > 0) to.target.stdin.write(target);
      if (client.length > 0) to.client.stdin.write(client);
    }
  }
}

describe.runIf(hasOpenSsh())('OpenSSH', () => {
  test.each([
    ['upload', 32_768],
    ['upload', 1],
    ['download', 32_768],
    ['download', 7],
  ])(
    'digests of a tree (%s, pieces of %i): zeros on the tape, steps with what passed',
    async (direction, cut) => {
      const one = randomBytes(cut < 10 ? 30_000 : 300_000);
      writeFileSync(join(root, 'from/one'), one);
      writeFileSync(join(root, 'from/deep/two'), one.subarray(5));
      writeFileSync(join(root, 'from/deep/none'), '');
      const [source, sink] = [`scp -r -p -f ${root}/from`, `scp -r -p -t ${root}/to`];
      const [command, other] = direction === 'upload' ? [sink, source] : [source, sink];
      const between = new Between(command, cut);
      await between.run(other.split(' ').slice(1), command.split(' ').slice(1));
      expect(between.hands.closedWith).toBeUndefined();
      expect(readFileSync(join(root, 'to/from/one')).equals(one)).toBe(true);
      const files = between.tape.steps.filter(({ file }) => file?.direction === direction);
      const name = ({ file }: SshStep): string => (file!.name ?? file!.path).text.split('/').at(-1)!;
      expect(Object.fromEntries(files.map((step) => [name(step), step.file?.sha256]))).toEqual({
        one: sha256(one),
        two: sha256(one.subarray(5)),
        none: sha256(new Uint8Array()),
      });
      expect(files.every(({ outcome, file }) => outcome === 'completed' && file?.whole)).toBe(true);
      expect(files.filter(({ file }) => file?.withheld)).toHaveLength(2);
      const tape = Buffer.concat([...between.tape.client, ...between.tape.target]);
      expect(tape.includes(one.subarray(300, 332))).toBe(false);
      expect(tape.includes(Buffer.alloc(5000))).toBe(true);
    },
  );
});

function after(command: string, ...said: (readonly ['client' | 'target', string])[]): Hands {
  const gate = new ScpGate(scpCommand(command)!, true);
  const hands = new Hands();
  for (const [side, text] of said) {
    if (side === 'client') gate.fromClient(Buffer.from(text, 'latin1'), hands);
    else gate.fromTarget(Buffer.from(text, 'latin1'), hands, false);
  }
  gate.closed(hands);
  return hands;
}

describe('security case 4: what an scp sink would not read as the gate does ends the channel before it passes', () => {
  test.each([
    ['content before the answer', 'C0644 5 a\nhello\0'],
    ['a name that leads elsewhere', 'C0644 5 ../a\n'],
    ['a name of a directory', 'C0644 5 ..\n'],
    ['no name', 'C0644 5 \n'],
    ['a size that is none', 'C0644 -5 a\n'],
    ['a mode that is none', 'C644 5 a\n'],
    ['a line that nobody knows', 'X\n'],
    ['an end without a beginning', 'E\n'],
    ['a line without an end', 'C0644 5 '.padEnd(20_000, 'a')],
    ['zeros', '\0\n'],
  ])('%s', (_, line) => {
    const hands = after('scp -t x', ['target', '\0'], ['client', line]);
    expect(hands.closedWith).toBeDefined();
    expect(Buffer.concat(hands.target).toString('latin1')).toBe('');
  });

  test('content after a file was not taken is none, and does not stand as zeros', () => {
    const hands = after(
      'scp -t x',
      ['target', '\0'],
      ['client', 'C0644 5 a\n'],
      ['target', '\x01no\n'],
      ['client', 'hello\0\n'],
    );
    expect(hands.closedWith).toBeDefined();
    expect(hands.withheld).toEqual([]);
  });

  test('a file that does not end', () => {
    const hands = after(
      'scp -t x',
      ['target', '\0'],
      ['client', 'C0644 2 a\n'],
      ['target', '\0'],
      ['client', 'hiE\n'],
    );
    expect(hands.closedWith).toContain('does not end');
  });

  test('a target that answers what nobody said', () => {
    expect(after('scp -t x', ['target', '\0\0']).closedWith).toContain('nobody said');
    expect(after('scp -t x', ['target', 'id\n']).closedWith).toContain('no answer');
  });
});

test('a file that is passing as the channel ends is noted', () => {
  const hands = after(
    'scp -t -d x',
    ['target', '\0'],
    ['client', 'C0644 5 a\n'],
    ['target', '\0'],
    ['client', 'he'],
  );
  expect(hands.notes).toEqual([
    {
      note: 'ssh-file',
      direction: 'upload',
      path: 'x/a',
      size: 5,
      bytes: 2,
      sha256: sha256(Buffer.from('he')),
      unfinished: true,
    },
  ]);
});
