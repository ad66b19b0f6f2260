/** What a recorded terminal showed at a moment: drawn by a terminal without a screen, and told as plain text with colours. */
// A bundle of CommonJS, whose names bundlers do not find: it comes as a whole.
import xterm, { type IBufferCell, type Terminal } from '@xterm/headless';
import type { TerminalEvent } from '#core/replay/terminal.ts';

/** No screen is larger, whatever a client says of its own. */
const COLUMNS_MAX = 1000;
const ROWS_MAX = 400;
/** A terminal that put out more is not kept here. */
const BYTES_MAX = 64 << 20;

export interface TerminalTape {
  readonly events: readonly TerminalEvent[];
  readonly command: string | undefined;
  /** Only its beginning is here. */
  readonly isCut: boolean;
}

/** A run of characters of one look. */
export interface Run {
  readonly text: string;
  readonly color?: string;
  readonly background?: string;
  readonly bold: boolean;
  readonly underline: boolean;
}

/** Undefined where there is no terminal. What was typed is left out: it may be a password that no screen showed. */
export async function takeTerminal(source: AsyncIterable<TerminalEvent>): Promise<TerminalTape | undefined> {
  const events: TerminalEvent[] = [];
  let bytes = 0;
  for await (const event of source) {
    if (event.kind === 'input') continue;
    if (event.kind === 'output') bytes += event.bytes.length;
    if (bytes > BYTES_MAX) break;
    events.push(event.kind === 'output' ? { ...event, bytes: event.bytes.slice() } : event);
  }
  const [start] = events;
  if (start?.kind !== 'start') return undefined;
  return { events, command: start.command, isCut: bytes > BYTES_MAX };
}

/** When something is next seen after that moment. */
export function nextOutput({ events }: TerminalTape, us: number): number | undefined {
  let [low, high] = [0, events.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (events[middle]!.at <= us) low = middle + 1;
    else high = middle;
  }
  return events[low]?.at;
}

export class TerminalScreen {
  readonly #tape: TerminalTape;
  #terminal: Terminal;
  #next = 0;
  #at = -1;

  constructor(tape: TerminalTape) {
    this.#tape = tape;
    this.#terminal = this.#fresh();
  }

  /** Goes to a moment, backwards by beginning anew. */
  async seek(us: number): Promise<void> {
    if (us < this.#at) {
      this.#terminal.dispose();
      this.#terminal = this.#fresh();
      this.#next = 0;
    }
    this.#at = us;
    for (; this.#next < this.#tape.events.length; this.#next += 1) {
      const event = this.#tape.events[this.#next]!;
      if (event.at > us) break;
      await this.#take(event);
    }
  }

  lines(): readonly (readonly Run[])[] {
    const { active } = this.#terminal.buffer;
    const cell = active.getNullCell();
    return Array.from({ length: this.#terminal.rows }, (_, row) => {
      const line = active.getLine(active.viewportY + row);
      const runs: Run[] = [];
      for (let column = 0; column < this.#terminal.cols; column += 1) {
        const found = line?.getCell(column, cell);
        if (found !== undefined && found.getWidth() > 0) addTo(runs, found);
      }
      return runs;
    });
  }

  dispose(): void {
    this.#terminal.dispose();
  }

  #fresh(): Terminal {
    const [start] = this.#tape.events;
    const size = start?.kind === 'start' ? sized(start) : { cols: 80, rows: 24 };
    const isTerminal = start?.kind === 'start' && start.isTerminal;
    return new xterm.Terminal({ ...size, scrollback: 0, allowProposedApi: true, convertEol: !isTerminal });
  }

  async #take(event: TerminalEvent): Promise<void> {
    if (event.kind === 'output')
      await new Promise<void>((resolve) => this.#terminal.write(event.bytes, resolve));
    if (event.kind !== 'resize') return;
    const { cols, rows } = sized(event);
    this.#terminal.resize(cols, rows);
  }
}

function sized({ columns, rows }: { readonly columns: number; readonly rows: number }) {
  return { cols: between(columns, 2, COLUMNS_MAX), rows: between(rows, 1, ROWS_MAX) };
}

function between(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}

function addTo(runs: Run[], cell: IBufferCell): void {
  const look = lookOf(cell);
  const text = cell.getChars() || ' ';
  const last = runs.at(-1);
  const isSame =
    last !== undefined &&
    last.color === look.color &&
    last.background === look.background &&
    last.bold === look.bold &&
    last.underline === look.underline;
  if (isSame) runs[runs.length - 1] = { ...last, text: last.text + text };
  else runs.push({ ...look, text });
}

function lookOf(cell: IBufferCell): Omit<Run, 'text'> {
  const front = cell.isFgRGB()
    ? rgb(cell.getFgColor())
    : cell.isFgPalette()
      ? palette(cell.getFgColor())
      : undefined;
  const back = cell.isBgRGB()
    ? rgb(cell.getBgColor())
    : cell.isBgPalette()
      ? palette(cell.getBgColor())
      : undefined;
  const isInverse = cell.isInverse() !== 0;
  const [color, background] = isInverse ? [back ?? '#111', front ?? '#ddd'] : [front, back];
  return {
    ...(color !== undefined && { color }),
    ...(background !== undefined && { background }),
    bold: cell.isBold() !== 0,
    underline: cell.isUnderline() !== 0,
  };
}

const NAMED = [
  ...['#000000', '#e06c75', '#98c379', '#e5c07b', '#61afef', '#c678dd', '#56b6c2', '#dcdfe4'],
  ...['#7f848e', '#ff8b94', '#b5e890', '#ffd98f', '#82c4ff', '#e29cff', '#7fd8e4', '#ffffff'],
] as const;
const STEPS = [0, 95, 135, 175, 215, 255] as const;

function palette(index: number): string {
  if (index < 16) return NAMED[index]!;
  if (index >= 232) return rgb((8 + 10 * (index - 232)) * 0x010101);
  const at = index - 16;
  return rgb((STEPS[Math.floor(at / 36)]! << 16) | (STEPS[Math.floor(at / 6) % 6]! << 8) | STEPS[at % 6]!);
}

function rgb(color: number): string {
  return `#${color.toString(16).padStart(6, '0')}`;
}
