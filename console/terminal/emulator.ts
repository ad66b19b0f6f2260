/** A terminal without a screen, which draws bytes that nobody vouches for: they reach its cells, and nothing else. */
// A bundle of CommonJS, whose names bundlers do not find: it comes as a whole.
import xterm, { type Terminal } from '@xterm/headless';
import { boundCounts } from '#core/replay/terminal-counts.ts';
import { Widths } from './widths.ts';

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** No screen is larger, whatever a client says of its own. */
export const COLUMNS_MAX = 1000;
export const ROWS_MAX = 400;
/** The emulator lets others have their turn after each such piece, where it took long. */
const PIECE_BYTES = 16 << 10;
/** Titles, colours, links, the clipboard, notifications, files: commands to the system around the screen (OSC). */
const TO_THE_SYSTEM = [0, 1, 2, 4, 7, 8, 9, 10, 11, 12, 52, 104, 110, 111, 112, 133, 777, 1337];

export class Emulator {
  readonly terminal: Terminal;

  /** `isTerminal`: false where lines end with LF alone. */
  constructor(size: Size, isTerminal: boolean) {
    this.terminal = new xterm.Terminal({
      ...fitted(size),
      scrollback: 0,
      allowProposedApi: true,
      convertEol: !isTerminal,
      // What it cannot make sense of is no fault of this page's.
      logLevel: 'off',
    });
    this.terminal.unicode.register(new Widths());
    this.terminal.unicode.activeVersion = 'custody';
    for (const command of TO_THE_SYSTEM) this.terminal.parser.registerOscHandler(command, () => true);
    boundCounts(this.terminal);
  }

  /** Resolves when it is drawn. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      const piece = bytes.subarray(at, at + PIECE_BYTES);
      if (at + PIECE_BYTES < bytes.length) this.terminal.write(piece);
      else await new Promise<void>((resolve) => this.terminal.write(piece, resolve));
    }
  }

  resize(size: Size): void {
    const { cols, rows } = fitted(size);
    this.terminal.resize(cols, rows);
  }

  dispose(): void {
    this.terminal.dispose();
  }
}

function fitted({ columns, rows }: Size): { readonly cols: number; readonly rows: number } {
  return { cols: between(columns, 2, COLUMNS_MAX), rows: between(rows, 1, ROWS_MAX) };
}

function between(value: number, least: number, most: number): number {
  return Number.isFinite(value) ? Math.min(most, Math.max(least, Math.trunc(value))) : least;
}
