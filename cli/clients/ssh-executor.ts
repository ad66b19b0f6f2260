import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CustodyError } from '#core/errors.ts';
import type { Executor } from '#core/tasks/exec/executor.ts';
import type { Target } from '../api-shapes.ts';
import type { Cli } from '../cli.ts';

/**
 * Each command by a run of ssh; what it writes goes to standard output, or to standard error where `isQuiet`. All of them share one
 * connection (ControlMaster): one session is one execution of a task.
 */
export function sshExecutor(
  { env }: Pick<Cli, 'env'>,
  config: string,
  { name }: Target,
  isQuiet: boolean,
): Executor {
  // Short: the path of a socket has room for 104 bytes.
  const folder = mkdtempSync(join(tmpdir(), 'custody-'));
  const shared = ['-F', config, '-o', `ControlPath=${join(folder, 's')}`];
  const ssh = async (args: readonly string[], stdout: 'inherit' | 'ignore' | number): Promise<number> => {
    const stderr = stdout === 'ignore' ? 'ignore' : 'inherit';
    const child = spawn('ssh', [...shared, ...args], { stdio: ['ignore', stdout, stderr], env });
    const [code] = (await once(child, 'exit')) as [number | null];
    return code ?? NOT_RUN;
  };
  return {
    run: async (command) => {
      if (!('command' in command)) throw new CustodyError('unsupported', `${name} takes commands`);
      const master = ['-o', 'ControlMaster=auto', '-o', 'ControlPersist=yes'];
      const args = [...master, '-T', name, '--', command.command];
      return { exitCode: await ssh(args, isQuiet ? 2 : 'inherit') };
    },
    end: async () => {
      await ssh(['-O', 'exit', name], 'ignore');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const NOT_RUN = 255;
