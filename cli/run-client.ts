import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { CustodyError } from '#core/errors.ts';
import type { Cli } from './cli.ts';
import type { Prepared } from './clients/kit.ts';
import { failureWords } from './failure-words.ts';

const SIGNALS = ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs it on this terminal, what is secret in its environment alone; resolves with its exit code, 128 + n for signal n.
 * Signals are listened for before it starts, so that none can end this process and leave the client behind.
 * `hint`: how a client is given, for where it cannot be run.
 */
export async function runClient(
  cli: Cli,
  { command: [file, ...args], env, done }: Prepared,
  hint: string,
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let child: ChildProcess | undefined;
  const passOn = (signal: NodeJS.Signals): void => {
    if (!fromTerminal(cli, signal)) child?.kill(signal);
  };
  for (const signal of SIGNALS) process.on(signal, passOn);
  const fail = (error: NodeJS.ErrnoException): void => reject(cannotRun(cli, file!, error, hint));
  try {
    child = spawn(file!, args, { stdio: 'inherit', env: { ...cli.env, ...env } });
    child.on('error', fail);
    child.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal!]));
  } catch (thrown) {
    fail(thrown as NodeJS.ErrnoException);
  }
  try {
    return await promise;
  } finally {
    for (const signal of SIGNALS) process.off(signal, passOn);
    await done?.();
  }
}

/** Ctrl-C goes to the whole group: the client has it already. */
function fromTerminal({ stdin }: Cli, signal: NodeJS.Signals): boolean {
  return (signal === 'SIGINT' || signal === 'SIGQUIT') && 'isTTY' in stdin && stdin.isTTY === true;
}

/** The exit codes of a shell: 127 for what is not there, 126 for what cannot be run. */
function cannotRun(cli: Cli, file: string, error: NodeJS.ErrnoException, hint: string): CustodyError {
  const isMissing = error.code === 'ENOENT' || file === '';
  cli.exitWith(isMissing ? 127 : 126);
  const reason = isMissing ? 'it is not installed, or not on PATH' : failureWords(error);
  return new CustodyError('not-found', `cannot run ${file}: ${reason}`, {
    hint,
  });
}
