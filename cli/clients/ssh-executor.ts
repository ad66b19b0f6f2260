import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { CustodyError } from '#core/errors.ts';
import type { Executor } from '#core/tasks/exec/executor.ts';
import type { Target } from '../api-shapes.ts';
import type { Cli } from '../cli.ts';

/** Each command by a run of ssh, on this terminal: what it writes goes where it would go by hand. */
export function sshExecutor({ env }: Pick<Cli, 'env'>, config: string, { name }: Target): Executor {
  return {
    run: async (command) => {
      if (!('command' in command)) throw new CustodyError('unsupported', `${name} takes commands`);
      const child = spawn('ssh', ['-F', config, '-T', name, '--', command.command], {
        stdio: ['ignore', 'inherit', 'inherit'],
        env,
      });
      const [code] = (await once(child, 'exit')) as [number | null];
      return { exitCode: code ?? 255 };
    },
    end: async () => undefined,
  };
}
