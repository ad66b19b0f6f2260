import { on } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReadStream } from 'node:tty';
import { CustodyError } from '#core/errors.ts';
import type { Cli } from '../cli.ts';
import type { Stage } from './interactive.ts';

type Terminal = Pick<ReadStream, 'setRawMode'> & Cli['stdin'];
type Input = Cli['stdin'] & Partial<Pick<ReadStream, 'setRawMode' | 'isTTY'>>;

/** The person's own terminal. Throws where there is none. */
export function terminalOf(cli: Cli): Terminal {
  const stdin: Input = cli.stdin;
  if (isTerminal(stdin)) return stdin;
  throw new CustodyError('unsupported', 'keys come from a terminal, and this is none', {
    hint: 'custody steps shows any of the steps; custody play shows all',
  });
}

function isTerminal(stdin: Input): stdin is Input & Terminal {
  return stdin.isTTY === true && stdin.setRawMode !== undefined;
}

/** Key by key, Ctrl-C too, until `restore`, which ends whoever still waits for one. */
export function keyboard(terminal: Terminal): Stage & { readonly restore: () => void } {
  terminal.setRawMode(true);
  const heard = on(terminal, 'data', { close: ['end', 'close'] });
  return {
    keys: {
      next: async () => {
        const { done, value } = await heard.next();
        return done === true ? { done, value: undefined } : { value: value[0] as Uint8Array };
      },
    },
    sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => undefined),
    restore: () => {
      void heard.return?.();
      terminal.setRawMode(false);
      terminal.pause();
    },
  };
}
