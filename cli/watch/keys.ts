import { emitKeypressEvents } from 'node:readline';
import type { Cli } from '../cli.ts';

/** `leave`: q or Ctrl-C. `end`: x, twice. */
export interface Keys {
  readonly leave: () => void;
  readonly ask: () => void;
  readonly end: () => void;
}

interface Key {
  readonly name?: string;
  readonly ctrl?: boolean;
}

/** Keys of a person at a terminal; nothing where the input is none. Returns how to stop listening. */
export function onKeys({ stdin }: Cli, { leave, ask, end }: Keys): () => void {
  const terminal = stdin as Partial<NodeJS.ReadStream>;
  if (terminal.isTTY !== true || terminal.setRawMode === undefined) return () => undefined;
  let isAsked = false;
  const pressed = (_: unknown, { name, ctrl = false }: Key = {}): void => {
    const before = isAsked;
    isAsked = name === 'x' && !ctrl && !before;
    if (name === 'q' || (ctrl && name === 'c')) leave();
    else if (isAsked) ask();
    else if (name === 'x') end();
  };
  emitKeypressEvents(stdin);
  terminal.setRawMode(true);
  stdin.on('keypress', pressed);
  stdin.resume();
  return () => {
    stdin.off('keypress', pressed).pause();
    terminal.setRawMode?.(false);
  };
}
