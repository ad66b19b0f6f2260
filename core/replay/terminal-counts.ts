/** Commands of a terminal that are done as often as is said: unbounded, a few bytes of a recording keep who reads it busy for hours. */
import type { Terminal } from '@xterm/headless';

interface Repeated {
  readonly params: readonly number[];
  readonly length: number;
}

/** By the letter that ends them. */
const REPEATED = {
  S: 'scrollUp',
  T: 'scrollDown',
  L: 'insertLines',
  M: 'deleteLines',
  I: 'cursorForwardTab',
  Z: 'cursorBackwardTab',
  b: 'repeatPrecedingCharacter',
} as const;

type Name = (typeof REPEATED)[keyof typeof REPEATED];

/** What of the emulator its package does not show, of exactly the version that package.json names. */
interface Inside {
  readonly _core: { readonly _inputHandler: Readonly<Record<Name, (params: Repeated) => boolean>> };
}

/** No screen needs more of them than it has lines, or columns. */
export function boundCounts(terminal: Terminal): void {
  for (const [final, name] of Object.entries(REPEATED)) bound(terminal, final, name);
}

function bound(terminal: Terminal, final: string, name: Name): void {
  terminal.parser.registerCsiHandler({ final }, ([count]) => {
    const { cols, rows } = terminal;
    const most = final === 'b' ? cols * rows : Math.max(cols, rows);
    if (typeof count !== 'number' || count <= most) return false;
    const { _core: core } = terminal as unknown as Inside;
    const { _inputHandler: input } = core;
    return input[name]({ params: [most], length: 1 });
  });
}
