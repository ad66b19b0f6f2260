import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type DemoRole, demoToken } from '#adapters/local/demo-issuer.ts';
import { makeDemoDatabase } from '#local/database/demo-database.ts';
import { ownerForPostgres } from '#local/database/owner.ts';
import { postgresBinaries } from '#local/database/postgres-binaries.ts';
import type { LocalAddresses } from '#local/setup/addresses.ts';
import { dataFiles } from '#local/setup/settings.ts';
import { fromTemplate } from './templates.ts';

const MAIN = fileURLToPath(new URL('../../local/main.ts', import.meta.url));
const BACK = {
  gateway: /the gateway is back as process (\d+)/g,
  database: /the demo PostgreSQL is back as process (\d+)/g,
};
const PORT_TRIES = 5;
/** Nobody waits for what was written to be looked at, nor for the ledger. */
const PERIODS = ['--config-ms', '100', '--sequence-ms', '250'];
const START_MS = 60_000;
const STOP_MS = 45_000;

/** `npm start` in a process of its own, on free ports, with a data folder of its own. */
export interface LocalGateway {
  readonly addresses: LocalAddresses;
  readonly dataDir: string;
  /** Of the gateway process as it is now, also after `kill9`. */
  readonly gatewayPid: number;
  /** Everything on standard error since the last start. */
  readonly said: string;
  /** An ID token of a demo person, good for an hour. */
  token(person: DemoRole): Promise<string>;
  /** The environment of a `custody` that talks to it as this person; `home` is its CUSTODY_HOME. */
  cliEnvironment(person: DemoRole, home: string): Promise<Record<string, string>>;
  /** kill -9 of the gateway process. Resolves when the supervisor's next one listens, with what was left sealed. */
  kill9(): Promise<void>;
  /** kill -9 of the demo PostgreSQL. Resolves when the supervisor's next one takes connections. */
  killDatabase9(): Promise<void>;
  /** SIGTERM, then a start on the same folder and ports. */
  restart(): Promise<void>;
  /** SIGTERM to the supervisor; resolves with its exit code. The folder stays until `stop`. */
  terminate(): Promise<number | null>;
  /** Ctrl-C: SIGINT to every process of its group at once; resolves with the supervisor's exit code. */
  interrupt(): Promise<number | null>;
  /** Ends whatever still runs and removes the folder. Safe to call twice. */
  stop(): Promise<void>;
}

export interface LocalGatewayOptions {
  /** More options for local/main.ts, for example `--drain-ms 1000`. */
  readonly args?: readonly string[];
  /** Sees the data folder before the first start, for example to write custody.yaml. */
  readonly prepare?: (dataDir: string) => void;
}

export async function startLocalGateway(options: LocalGatewayOptions = {}): Promise<LocalGateway> {
  const parent = temporaryFolder();
  const dataDir = join(parent, 'data');
  await demoDatabase(dataDir);
  options.prepare?.(dataDir);
  const { base, run: first } = await startOnFreePorts(dataDir, [...PERIODS, ...(options.args ?? [])]);
  let run = first;
  const backs = (what: keyof typeof BACK): string[] =>
    [...run.said().matchAll(BACK[what])].map(([, pid]) => pid!);
  const pidOf = (what: keyof typeof BACK): number => Number(backs(what).at(-1) ?? run.addresses.pids[what]);
  const kill9 = async (what: keyof typeof BACK): Promise<void> => {
    const before = backs(what).length;
    process.kill(pidOf(what), 'SIGKILL');
    await run.until(() => backs(what).length > before);
  };
  return {
    dataDir,
    get addresses() {
      return run.addresses;
    },
    get said() {
      return run.said();
    },
    get gatewayPid() {
      return pidOf('gateway');
    },
    token: (person) => demoToken(dataDir, person, Date.now()),
    cliEnvironment: async (person, home) => ({
      CUSTODY_API: run.addresses.api,
      CUSTODY_HOME: home,
      CUSTODY_TOKEN: await demoToken(dataDir, person, Date.now()),
    }),
    kill9: () => kill9('gateway'),
    killDatabase9: () => kill9('database'),
    async restart() {
      await run.terminate();
      run = await startLocalMain([
        '--data-dir',
        dataDir,
        '--port-base',
        String(base),
        ...PERIODS,
        ...(options.args ?? []),
      ]);
    },
    terminate: () => run.terminate(),
    interrupt: () => run.interrupt(),
    async stop() {
      await run.terminate();
      killLeftover(pidOf('database'), dataDir);
      if (run.addresses.web !== undefined) killLeftover(run.addresses.pids.web!, dataDir);
      rmSync(parent, { recursive: true, force: true });
    },
  };
}

/** As the first start makes it; that it does is seen in test/local. */
async function demoDatabase(dataDir: string): Promise<void> {
  await fromTemplate('demo', dataDir, async (made) => {
    chmodSync(made, 0o711);
    const { postgres, password } = dataFiles(made);
    const bin = postgresBinaries();
    const owner = ownerForPostgres(postgres, bin);
    await makeDemoDatabase({ bin, folder: postgres, passwordFile: password, owner });
  });
}

/** A folder that PostgreSQL's own user can pass through, as tests often run as root. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'custody-local-'));
  chmodSync(folder, 0o711);
  return folder;
}

/** Another test may take a port between the look and the start: then other ports are tried. */
async function startOnFreePorts(
  dataDir: string,
  args: readonly string[],
): Promise<{ base: number; run: LocalRun }> {
  for (let tries = 1; ; tries += 1) {
    const base = await freePortBase();
    try {
      const run = await startLocalMain(['--data-dir', dataDir, '--port-base', String(base), ...args]);
      return { base, run };
    } catch (error) {
      if (tries === PORT_TRIES || !/\bport\b/.test(String(error))) throw error;
    }
  }
}

/** A base whose six ports are free, below the range that the kernel hands out by itself. */
export async function freePortBase(): Promise<number> {
  for (;;) {
    const base = 12_000 + 40 * Math.floor(Math.random() * 500);
    const free = await Promise.all([1, 2, 22, 23, 32, 33].map((offset) => isFree(base + offset)));
    if (free.every(Boolean)) return base;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', () => done(false));
    server.listen(port, '127.0.0.1', () => server.close(() => done(true)));
  });
}

/** One run of local/main.ts that became ready. */
export interface LocalRun {
  readonly addresses: LocalAddresses;
  readonly stdout: () => string;
  readonly said: () => string;
  /** Resolves when the condition holds, looked at after each piece of output. Rejects when the process ends. */
  until(condition: () => boolean): Promise<void>;
  /** kill -9 of the supervisor. */
  kill(): Promise<void>;
  terminate(): Promise<number | null>;
  interrupt(): Promise<number | null>;
}

/** Starts local/main.ts with `--json`. Rejects with what it said when it ends instead of becoming ready. */
export async function startLocalMain(args: readonly string[]): Promise<LocalRun> {
  const child = spawn(process.execPath, [MAIN, '--json', ...args], {
    detached: true, // a process group of its own, as in a terminal
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]!.setEncoding('utf8').on('data', (text: string) => (output[name] += text));
  }
  const ended = new Promise<number | null>((done) => child.once('close', done));
  const until = waiter(child, output);
  const giveUp = setTimeout(() => child.kill('SIGTERM'), START_MS);
  await until(() => output.stdout.includes('\n')).finally(() => clearTimeout(giveUp));
  return {
    addresses: JSON.parse(output.stdout) as LocalAddresses,
    stdout: () => output.stdout,
    said: () => output.stderr,
    until,
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
    terminate: () => end(child, ended, () => child.kill('SIGTERM')),
    interrupt: () => end(child, ended, () => process.kill(-child.pid!, 'SIGINT')),
  };
}

function waiter(child: ChildProcess, output: { stdout: string; stderr: string }): LocalRun['until'] {
  return (condition) =>
    new Promise((done, failed) => {
      const look = (): void => {
        if (condition()) settle(done);
      };
      const over = (): void => settle(() => failed(new LocalStartError(child.exitCode, output.stderr)));
      const settle = (how: () => void): void => {
        for (const stream of [child.stdout!, child.stderr!]) stream.off('data', look);
        child.off('close', over);
        how();
      };
      for (const stream of [child.stdout!, child.stderr!]) stream.on('data', look);
      child.once('close', over);
      look();
    });
}

/** local/main.ts ended: with which code, and everything it said. */
export class LocalStartError extends Error {
  readonly exitCode: number | null;
  readonly said: string;

  constructor(exitCode: number | null, said: string) {
    super(`local/main.ts ended with ${exitCode}:\n${said}`);
    this.exitCode = exitCode;
    this.said = said;
  }
}

async function end(
  child: ChildProcess,
  ended: Promise<number | null>,
  signal: () => void,
): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) signal();
  const force = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  const code = await ended;
  clearTimeout(force);
  return code;
}

/** Only what still is a process of this folder: a number can be somebody else's by now. */
export function killLeftover(pid: number, dataDir: string): void {
  try {
    if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(dataDir)) process.kill(pid, 'SIGKILL');
  } catch {
    // It stopped with its supervisor, as it should.
  }
}
