import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import type { LocalGateway } from './local-gateway.ts';

/** Whether a client is on this machine. With CUSTODY_REQUIRE_CLIENTS (as in .ci/run) a missing one is an error. */
export function hasClient(name: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' });
    return true;
  } catch {
    if (process.env['CUSTODY_REQUIRE_CLIENTS']) throw new Error(`${name} is not installed`);
    process.stderr.write(`LEFT OUT: tests that need ${name}, which is not installed on this machine\n`);
    return false;
  }
}

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningClient {
  readonly child: ChildProcess;
  /** What it has written to standard error so far. */
  readonly said: () => string;
  readonly done: Promise<Ran>;
}

/** What libpq needs to reach `database` (a target's name) through the gateway. */
export function libpqEnvironment(gateway: LocalGateway, token: string, database = 'orders-db') {
  const { host, port } = gateway.addresses.postgres;
  return {
    ...process.env,
    PGHOST: host,
    PGPORT: String(port),
    PGUSER: 'dana',
    PGDATABASE: database,
    PGPASSWORD: token,
    PGSSLMODE: 'verify-full',
    PGSSLROOTCERT: gateway.addresses.ca,
    PGCONNECT_TIMEOUT: '20',
  };
}

export function startClient(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  input?: string,
): RunningClient {
  const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input ?? '');
  const done = new Promise<Ran>((resolve) =>
    child.once('close', (code) => resolve({ code, stdout, stderr })),
  );
  return { child, said: () => stderr, done };
}

/** psql without its start-up file, unaligned and without headers; stops at the first error. */
export async function psql(
  gateway: LocalGateway,
  sql: string,
  options: { readonly token?: string; readonly database?: string; readonly args?: readonly string[] } = {},
): Promise<Ran> {
  const token = options.token ?? (await gateway.token('developer'));
  const args = ['-XAtq', '-v', 'ON_ERROR_STOP=1', ...(options.args ?? [])];
  return startClient('psql', args, libpqEnvironment(gateway, token, options.database), sql).done;
}

/** Resolves when `check` gives something; rejects, saying what it waited for, after `ms`. */
export async function eventually<T>(
  what: string,
  check: () => Promise<T | undefined> | T | undefined,
  ms = 20_000,
): Promise<T> {
  const deadline = performance.now() + ms;
  for (;;) {
    const found = await check();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`waited ${ms} ms for ${what}`);
    await new Promise((resume) => setTimeout(resume, 50));
  }
}
