import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseDocument } from 'yaml';
import { createSshCas } from '#adapters/local/ssh/cas.ts';
import {
  freePortBase,
  type LocalGateway,
  startLocalGateway,
  temporaryFolder,
} from '#test/support/local-gateway.ts';
import type { Plan } from './plan.ts';
import { type SshTarget, startSshTarget } from './ssh/target.ts';
import { CHAOS_WORKFLOW, ChaosTasks } from './tasks.ts';

const MAIN = fileURLToPath(new URL('../../fargate-proxy/main.ts', import.meta.url));
const INJECT = new URL('./inject.ts', import.meta.url).href;
const PLAN_NAME = 'chaos-plan.json';

/** A real PostgreSQL and issuer (those of `npm start`), and a gateway of our own in front, which may die at will. */
export interface Stand {
  readonly local: LocalGateway;
  readonly dataDir: string;
  readonly port: number;
  /** Where SSH clients go, if they are to. */
  readonly ssh: SshTarget | undefined;
  readonly tasks: ChaosTasks;
  /** What it injected so far. */
  injected(): readonly { readonly fault: string; readonly point: string; readonly at: number }[];
  plan(plan: Plan): void;
  signal(signal: NodeJS.Signals): void;
  /** True while the gateway process runs. */
  running(): boolean;
  /** Resolves once that process has ended. */
  gone(): Promise<void>;
  /** Starts the gateway unless it runs; resolves when it listens, with what was left sealed. */
  start(): Promise<void>;
  /** SIGKILL, and waits for the process to be gone. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

/** Targets of the same database: `windowed` and `write-ahead`; `withSsh`: of the same sshd, `ssh-windowed` and `ssh-write-ahead`. */
export async function startStand(withSsh: boolean, log: (line: string) => void): Promise<Stand> {
  const local = await startLocalGateway();
  const folder = temporaryFolder();
  const dataDir = join(folder, 'data');
  const port = (await freePortBase()) + 1;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  createSshCas(dataDir);
  const ssh = withSsh ? await startSshTarget(join(folder, 'sshd'), dataDir) : undefined;
  prepareFolder(local, dataDir, ssh?.targets);
  const planFile = join(dataDir, PLAN_NAME);
  let child: ChildProcess | undefined;
  let gone: Promise<void> = Promise.resolve();
  const running = (): boolean => child !== undefined && child.exitCode === null && child.signalCode === null;
  const start = async (): Promise<void> => {
    if (running()) return;
    child = spawnGateway(dataDir, port, planFile, ssh?.port);
    gone = new Promise((ended) => child!.once('exit', () => ended()));
    await listening(child, log);
  };
  const kill = async (): Promise<void> => {
    if (!running()) return;
    child!.kill('SIGKILL');
    await gone;
  };
  await start();
  const tasks = await ChaosTasks.open(dataDir);
  return {
    local,
    dataDir,
    port,
    ssh,
    tasks,
    running,
    gone: () => gone,
    start,
    kill,
    injected: () => readLines(`${planFile}.done`),
    plan: (plan) => {
      writeFileSync(`${planFile}.new`, JSON.stringify(plan));
      renameSync(`${planFile}.new`, planFile);
    },
    signal: (signal) => void child?.kill(signal),
    stop: async () => {
      await kill();
      tasks.close();
      await Promise.all([local.stop(), ssh?.stop()]);
    },
  };
}

export function prepareFolder(local: LocalGateway, dataDir: string, more: object = {}): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  for (const name of ['tls', 'secrets', 'signer.key', 'signer.pem']) {
    cpSync(join(local.dataDir, name), join(dataDir, name), { recursive: true });
  }
  const config = parseDocument(readFileSync(join(local.dataDir, 'custody.yaml'), 'utf8'));
  const target = config.getIn(['targets', 'orders-db']) as { toJSON(): Record<string, unknown> };
  const withDurability = (durability: string) => ({ ...target.toJSON(), recording: { durability } });
  config.setIn(['targets'], {
    windowed: withDurability('windowed'),
    'write-ahead': withDurability('write-ahead'),
    ...more,
  });
  config.setIn(['workflows'], { chaos: JSON.parse(JSON.stringify(CHAOS_WORKFLOW)) });
  config.setIn(['rules'], [{ name: 'chaos', groups: ['developers'], targets: ['*'], allow: ['connect'] }]);
  writeFileSync(join(dataDir, 'custody.yaml'), String(config));
}

function spawnGateway(
  dataDir: string,
  port: number,
  planFile: string,
  sshPort: number | undefined,
): ChildProcess {
  const options = [
    '--config',
    join(dataDir, 'custody.yaml'),
    '--data-dir',
    dataDir,
    '--processes',
    process.env['CUSTODY_PROCESSES'] ?? '1',
    '--listen',
    `127.0.0.1:${port}`,
    ...(sshPort === undefined ? [] : ['--ssh-port', String(sshPort)]),
  ];
  return spawn(process.execPath, ['--import', INJECT, MAIN, ...options], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, CHAOS_PLAN: planFile },
  });
}

function listening(child: ChildProcess, log: (line: string) => void): Promise<void> {
  return new Promise((ready, failed) => {
    createInterface(child.stderr!).on('line', (line) => {
      if (line.includes('"event":"listening"')) ready();
      if (!/session-closed|"(?:peer-)?refused"|peer-left|-more"|listening|session-error/.test(line))
        log(line);
    });
    child.once('exit', (code, signal) =>
      failed(new Error(`the gateway ended with ${signal ?? code} at its start`)),
    );
  });
}

function readLines<T>(file: string): T[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T);
}
