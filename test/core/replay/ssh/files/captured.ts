/** What real clients and servers said to each other, read by our readers. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ChannelReader, Direction } from '#core/replay/ssh/channel-reader.ts';
import { fileReaderFor } from '#core/replay/ssh/files/readers.ts';
import type { SshStep } from '#core/replay/ssh/step.ts';

const TEE = fileURLToPath(new URL('tee.ts', import.meta.url));
const DIRECTIONS = ['in', 'out', 'err'] as const;

export interface Piece {
  readonly direction: Direction;
  readonly bytes: Buffer;
}

export interface Capture {
  readonly kind: 'exec' | 'subsystem';
  readonly command: string;
  readonly pieces: readonly Piece[];
}

/** Two folders, and a program in place of ssh that writes down what passes between them. */
export class Stand {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), 'files-')));
  readonly local = join(this.root, 'local');
  readonly remote = join(this.root, 'remote');
  readonly ssh = join(this.root, 'ssh');
  readonly #log = join(this.root, 'log');

  constructor() {
    mkdirSync(this.local);
    mkdirSync(this.remote);
    writeFileSync(this.ssh, `#!/bin/sh\nexec ${process.execPath} ${TEE} "$@"\n`, { mode: 0o755 });
  }

  /** Runs a client at `local`; resolves with what passed, whatever its status. */
  async run(
    program: string,
    args: readonly string[],
    more: { input?: string; env?: NodeJS.ProcessEnv } = {},
  ): Promise<Capture> {
    rmSync(this.#log, { force: true });
    const env = { ...process.env, TEE_LOG: this.#log, TEE_HOME: this.remote, ...more.env };
    await new Promise<void>((resolve) => {
      const child = execFile(
        program,
        args,
        { cwd: this.local, env, maxBuffer: 64 << 20 },
        (_error, _out, errors) => {
          this.errors = errors;
          resolve();
        },
      );
      child.stdin!.end(more.input ?? '');
    });
    return readCapture(readFileSync(this.#log));
  }

  /** What the last client said on its error stream. */
  errors = '';

  end(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

function readCapture(log: Buffer): Capture {
  const pieces: (Piece & { kind: number })[] = [];
  for (let at = 0; at < log.length; ) {
    const length = log.readUInt32BE(at + 1);
    const kind = log[at]!;
    pieces.push({ kind, direction: DIRECTIONS[kind] ?? 'err', bytes: log.subarray(at + 5, at + 5 + length) });
    at += 5 + length;
  }
  const [first, ...rest] = pieces;
  return { kind: first!.kind === 4 ? 'subsystem' : 'exec', command: first!.bytes.toString(), pieces: rest };
}

export function readerOf({ kind, command }: Pick<Capture, 'kind' | 'command'>): ChannelReader | undefined {
  const bytes = Buffer.from(command);
  return fileReaderFor({
    channel: 1,
    kind,
    bytes,
    text: 4096,
    command: { text: command, bytes: bytes.length, cut: false },
  });
}

/** `cut`: the largest piece in which bytes come. */
export function stepsOf(capture: Capture, cut = 1 << 20): SshStep[] {
  const reader = readerOf(capture);
  if (reader === undefined) throw new Error(`nobody reads ${capture.command}`);
  const steps: SshStep[] = [];
  let at = 0;
  for (const { direction, bytes } of capture.pieces)
    for (let from = 0; from < bytes.length; from += cut)
      steps.push(...reader.take(direction, bytes.subarray(from, from + cut), (at += 1), false));
  return [...steps, ...reader.end(at + 1)];
}
