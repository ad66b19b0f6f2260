import { setTimeout as sleep } from 'node:timers/promises';
import type { ReadStream } from 'node:tty';
import { CustodyError } from '#core/errors.ts';
import type { Cli } from '../cli.ts';
import type { Stage } from './interactive.ts';

/** The person's own terminal, key by key, until `restore`. Throws where there is none. */
export function keyboard(cli: Cli): Stage & { restore(): void } {
  const stdin = cli.stdin as Partial<ReadStream> & Cli['stdin'];
  if (stdin.isTTY !== true || stdin.setRawMode === undefined)
    throw new CustodyError('unsupported', 'keys come from a terminal, and this is none', {
      hint: 'custody steps shows any of the steps; custody play shows all',
    });
  stdin.setRawMode(true);
  const bytes = stdin[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  return {
    keys: bytes,
    sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => undefined),
    restore: () => {
      stdin.setRawMode?.(false);
      stdin.destroy();
    },
  };
}
