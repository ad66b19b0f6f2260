import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

/** How a program ended: an exit code is no error here, tests look at it. */
export interface Ran {
  /** `null`: a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  /** `stdout` as it came. */
  readonly bytes: Buffer;
  readonly stderr: string;
}

export interface RunOptions {
  /** The kubeconfig it is given in its environment; the admin's when left out. */
  readonly kubeconfig?: string;
  /** All of its standard input; what is started without stays open. */
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Milliseconds until it is killed; a minute when left out. */
  readonly timeout?: number;
}

/** A program while it runs. */
export class Running {
  readonly process: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly exited: Promise<Ran>;
  readonly #out: Buffer[] = [];
  readonly #err: Buffer[] = [];
  readonly #waiting = new Set<() => void>();
  #ended = false;

  constructor(command: string, args: readonly string[], { env, cwd, timeout = 60_000 }: RunOptions) {
    this.process = spawn(command, args, {
      env,
      cwd,
      timeout,
      killSignal: 'SIGKILL',
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    // A program that has ended does not read the rest of what it is given.
    this.process.stdin.on('error', () => {});
    this.process.stdout.on('data', (chunk: Buffer) => this.#came(this.#out, chunk));
    this.process.stderr.on('data', (chunk: Buffer) => this.#came(this.#err, chunk));
    this.exited = new Promise((resolve, reject) => {
      this.process.once('error', reject);
      this.process.once('close', (code) => {
        this.#ended = true;
        this.#wake();
        resolve({ code, stdout: this.stdout(), bytes: Buffer.concat(this.#out), stderr: this.stderr() });
      });
    });
  }

  stdout(): string {
    return Buffer.concat(this.#out).toString();
  }

  stderr(): string {
    return Buffer.concat(this.#err).toString();
  }

  /** Resolves with the match once standard output or standard error has it; an error when it ends without. */
  async saw(what: string | RegExp): Promise<RegExpMatchArray> {
    const pattern = typeof what === 'string' ? new RegExp(what.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')) : what;
    for (;;) {
      const found = pattern.exec(this.stdout()) ?? pattern.exec(this.stderr());
      if (found !== null) return found;
      if (this.#ended) throw new Error(`it ended without ${String(what)}: ${this.stdout()}${this.stderr()}`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  async kill(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ran> {
    this.process.kill(signal);
    return this.exited;
  }

  #came(to: Buffer[], chunk: Buffer): void {
    to.push(chunk);
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

export async function run(command: string, args: readonly string[], options: RunOptions): Promise<Ran> {
  const running = new Running(command, args, options);
  running.process.stdin.end(options.input ?? '');
  return running.exited;
}
