import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { killIfThere, processIds, readIfThere } from '../supervisor/processes.ts';
import { RestartLimit } from '../supervisor/restart-limit.ts';
import { writeSshdConfig } from './demo-files.ts';
import type { DemoLogin } from './demo-login.ts';
import { withTerminals } from './terminal-group.ts';

const READY_MS = 15_000;
const STOP_MS = 5_000;
const LOOK_EVERY_MS = 50;
const SAID_MAX = 4_000;
const LISTENS = /Server listening on /;

export interface DemoSshdOptions {
  readonly folder: string;
  readonly port: number;
  readonly login: DemoLogin;
  readonly say: (line: string) => void;
  /** It died too often to be started again, or could not be. */
  readonly onGivenUp: (error: CustodyError) => void;
  /** Milliseconds that never go back. */
  readonly now: () => number;
}

/**
 * The demo target `web-1`: a real sshd, reachable on this machine only, where the gateway's key opens one login. Started again
 * when it dies. Throws `state-damaged` when it does not start.
 */
export async function startDemoSshd(options: DemoSshdOptions): Promise<DemoSshd> {
  const sshd = new DemoSshd(options);
  await sshd.start();
  return sshd;
}

export class DemoSshd {
  readonly #options: DemoSshdOptions;
  readonly #limit = new RestartLimit();
  #server: ChildProcess | undefined;
  #restarting: Promise<void> | undefined;
  #stopping = false;

  constructor(options: DemoSshdOptions) {
    this.#options = options;
  }

  /** Of the server as it is now, also after it died. */
  get pid(): number {
    return this.#server!.pid!;
  }

  /** Resolves when it takes connections. */
  async start(): Promise<void> {
    const { folder, port, login } = this.#options;
    const config = writeSshdConfig(folder, port, login.user, login.owner);
    await endLeftover(config);
    if (this.#stopping) return;
    // Detached: Ctrl-C in the terminal must not reach it before the sessions through the gateway are sealed.
    const as = withTerminals([login.sshd, '-D', '-e', '-f', config], login.owner);
    const [program, ...args] = as.command;
    const server = spawn(program, args, {
      ...as.owner,
      cwd: '/',
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
      // What this process has in its environment is none of a session's business.
      env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    });
    this.#server = server;
    await ready(server, folder);
    server.once('exit', (code, signal) => this.#died(signal ?? `exit code ${code}`));
  }

  /** Ends its sessions, and resolves when nothing of it runs. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#server !== undefined) await stop(this.#server);
    await this.#restarting;
  }

  #died(how: string): void {
    if (this.#stopping) return;
    const { say, now, onGivenUp } = this.#options;
    const times = this.#limit.died(now());
    if (times !== undefined) return onGivenUp(diedTooOften(times, how));
    say(`the demo SSH server died (${how}); starting it again`);
    this.#restarting = this.start().then(
      () => {
        if (!this.#stopping) say(`the demo SSH server is back as process ${this.pid}`);
      },
      (error: unknown) => {
        if (!this.#stopping) onGivenUp(asCustodyError(error));
      },
    );
  }
}

/** The server that a killed start left behind holds the port: nobody else has this file in its arguments. */
export async function endLeftover(config: string): Promise<void> {
  const isOurs = (pid: number): boolean => {
    // It writes a title over its arguments, which says them again.
    const title = `${readIfThere(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')} `;
    return /^\S*sshd/.test(title) && title.includes(` -f ${config} `);
  };
  const left = processIds().filter(isOurs);
  for (const pid of left) killIfThere(pid, 'SIGKILL');
  for (let waited = 0; waited < STOP_MS && left.some(isOurs); waited += LOOK_EVERY_MS)
    await sleep(LOOK_EVERY_MS);
}

/** Resolves when it says that it listens; what it says later is read too, or it would wait for somebody who does. */
async function ready(server: ChildProcess, folder: string): Promise<void> {
  let said = '';
  const listens = new Promise<boolean>((done) => {
    server.stderr!.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-SAID_MAX);
      if (LISTENS.test(said)) done(true);
    });
    server.on('error', (error) => (said += error.message));
    server.once('close', () => done(false));
  });
  if (await Promise.race([listens, sleep(READY_MS, false, { ref: false })])) return;
  await stop(server);
  throw new CustodyError('state-damaged', `the demo SSH server does not start: ${lastLine(said)}`, {
    hint: `if its files are damaged: remove ${folder} and the target web-1 of custody.yaml, or start with --no-demo-ssh`,
  });
}

function lastLine(said: string): string {
  return said.trim().split('\n').at(-1)!.trim() || `not ready after ${READY_MS / 1000} s`;
}

/** Each session has a process of its own, in a group of its own: the server's end would not end them. */
async function stop(server: ChildProcess): Promise<void> {
  const { pid, exitCode, signalCode } = server;
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  const gone = new Promise<void>((done) => server.once('exit', () => done()));
  const sessions = descendantsOf(pid);
  server.kill('SIGTERM');
  for (const session of sessions) killIfThere(session, 'SIGTERM');
  const force = setTimeout(() => server.kill('SIGKILL'), STOP_MS);
  await gone;
  clearTimeout(force);
  for (const session of sessions) killIfThere(session, 'SIGKILL');
}

function descendantsOf(pid: number): number[] {
  const all = processes();
  const below = (parent: number): number[] =>
    all.filter((process) => process.parent === parent).flatMap(({ pid }) => [pid, ...below(pid)]);
  return below(pid);
}

/** Where there is no /proc, nothing is found: sessions end when the gateway has closed their connections. */
function processes(): { readonly pid: number; readonly parent: number }[] {
  return processIds().map((pid) => ({ pid, parent: parentOf(pid) }));
}

/** proc_pid_stat(5): the name, in parentheses, may hold anything. */
function parentOf(pid: number): number {
  const stat = readIfThere(`/proc/${pid}/stat`);
  return stat === '' ? 0 : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

function diedTooOften(times: number, how: string): CustodyError {
  const why = `it died ${times} times within a minute, the last time of ${how}`;
  return new CustodyError('internal', `the demo SSH server cannot run: ${why}`, {
    hint: 'is the machine short of memory or disk? npm start -- --no-demo-ssh does without it',
  });
}
