/** Lines that somebody entered in a terminal, by what a terminal showed: an index for people, never evidence. */
// A bundle of CommonJS, whose names node does not find: it comes as a whole.
import xterm, { type IBuffer, type IMarker, type Terminal } from '@xterm/headless';
import { shownWords } from './shown.ts';
import type { Shown } from './step.ts';
import { boundCounts } from './terminal-counts.ts';

/** No screen is larger; a larger one is looked at as if it were of this size. */
const COLUMNS_MAX = 1000;
const ROWS_MAX = 400;
const SCROLLBACK = 200;
/** What is given to the terminal at once, and how long it may wait, in microseconds of the session. */
const BATCH_BYTES = 64 << 10;
const BATCH_US = 50_000;
/** Typed ahead of an echo that does not come: then nothing is said of the line. */
const AHEAD_MAX = 4096;
const ECHO_US = 2_000_000;

const tolerant = new TextDecoder('utf-8', { ignoreBOM: true });
const LF = 0x0a;
const CR = 0x0d;
/** Ctrl-C, Ctrl-D, Ctrl-Z: the line is given up. */
const GIVES_UP: ReadonlySet<number> = new Set([0x03, 0x04, 0x1a]);
/** What terminals answer by themselves: reports of all kinds, focus. */
// oxlint-disable-next-line no-control-regex
const REPORT = /^(?:\x1b(?:\[[?>=]?[\d;]*[cRntyIO]|[\]P][^\x07\x1b]*(?:\x07|\x1b\\)))+$/;
const PASTE = { begins: '\x1b[200~', ends: '\x1b[201~', off: '\x1b[?2004l' } as const;

type Piece =
  | { readonly kind: 'output' | 'input'; readonly bytes: Uint8Array; readonly at: number }
  | { readonly kind: 'size'; readonly columns: number; readonly rows: number };

/** Where a line begins: what stood before the first keystroke. */
interface LineStart {
  readonly prompt: string;
  readonly marker: IMarker | undefined;
  readonly column: number;
  readonly at: number;
}

/** A line that was entered, by what the screen showed, or by marks of the shell's (OSC 133 or 633). */
export interface TypedLine {
  readonly at: number;
  readonly took: number;
  readonly command: Shown;
  readonly prompt?: Shown;
  readonly heuristic: true;
  readonly foundBy: 'marks' | 'screen';
  readonly exitStatus?: number;
}

/** In bytes: of one text, and of a terminal's output that is looked at. */
export interface TypedLineLimits {
  readonly text: number;
  readonly screen: number;
}

interface Size {
  readonly columns: number;
  readonly rows: number;
}

export class TypedLines {
  readonly #limits: TypedLineLimits;
  readonly #terminal: Terminal;
  #pieces: Piece[] = [];
  #batch: Uint8Array[] = [];
  #batchBytes = 0;
  #batchFrom = 0;
  #seen = 0;
  #now = 0;
  #start: LineStart | undefined;
  /** Since when an Enter waits for its echo. */
  #enteredAt: number | undefined;
  #ahead: Uint8Array[] = [];
  #aheadBytes = 0;
  #pasting = false;
  /** Line ends were pasted: the screen shows some before the one that answers Enter. */
  #severalLines = false;
  /** Of the line before: a line that is drawn anew may begin with it where something else stood before. */
  #prompt = '';
  /** By marks of the shell's (OSC 133, 633): where its prompt ends, and what it runs. Once there are some, the screen is not asked. */
  #marked = false;
  #markedStart: LineStart | undefined;
  #markedText: string | undefined;
  /** Found by the screen, of a shell that marks its prompt: the mark that it runs may follow, and says it better. */
  #held: TypedLine | undefined;
  #running: TypedLine | undefined;
  #found: TypedLine[] = [];

  constructor(size: Size, limits: TypedLineLimits) {
    this.#limits = limits;
    this.#terminal = new xterm.Terminal({
      ...bounded(size),
      scrollback: SCROLLBACK,
      allowProposedApi: true,
      // What it cannot make sense of is no fault of ours.
      logLevel: 'off',
    });
    boundCounts(this.#terminal);
    for (const code of [133, 633])
      this.#terminal.parser.registerOscHandler(code, (data) => {
        this.#mark(data);
        return true;
      });
  }

  /** Bytes have to stay as they are until `settle` resolves. */
  take(kind: 'output' | 'input', bytes: Uint8Array, at: number): void {
    this.#pieces.push({ kind, bytes, at });
  }

  resized({ columns, rows }: Size): void {
    this.#pieces.push({ kind: 'size', columns, rows });
  }

  /** What was found since; `wholly`: nothing follows. */
  async settle(wholly: boolean): Promise<TypedLine[]> {
    for (const piece of this.#pieces.splice(0)) await this.#piece(piece);
    if (wholly || this.#batchBytes >= BATCH_BYTES || this.#now - this.#batchFrom >= BATCH_US)
      await this.#flush();
    if (wholly) {
      this.#release();
      this.#ran();
    }
    return this.#found.splice(0);
  }

  dispose(): void {
    this.#terminal.dispose();
  }

  async #piece(piece: Piece): Promise<void> {
    if (piece.kind === 'size') {
      await this.#flush();
      const { cols, rows } = bounded(piece);
      return this.#terminal.resize(cols, rows);
    }
    this.#now = piece.at;
    if (this.#seen > this.#limits.screen) return;
    if (piece.kind === 'output') await this.#output(piece.bytes);
    else await this.#input(piece.bytes);
  }

  async #output(bytes: Uint8Array): Promise<void> {
    this.#seen += bytes.length;
    if (this.#enteredAt === undefined) return this.#later(bytes);
    const at = this.#answerIn(bytes);
    if (at < 0) {
      this.#later(bytes);
      if (this.#now - this.#enteredAt > ECHO_US) await this.#giveUpEcho();
      return;
    }
    // The line as it stood when the shell took it: before the LF that answers Enter.
    this.#later(bytes.subarray(0, at));
    await this.#flush();
    this.#entered();
    this.#later(bytes.subarray(at));
    await this.#goAhead();
  }

  /**
   * Where the answer to Enter begins; -1 where there is none. A line editor draws several lines again before it answers, and then ends
   * bracketed paste, some of them with the LF before that and some behind.
   */
  #answerIn(bytes: Uint8Array): number {
    if (!this.#severalLines) return bytes.indexOf(LF);
    const end = Buffer.from(bytes).indexOf(PASTE.off);
    const at = end < 0 ? -1 : bytes.lastIndexOf(LF, end);
    return at < 0 ? end : at;
  }

  #later(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (this.#batch.length === 0) this.#batchFrom = this.#now;
    this.#batch.push(bytes);
    this.#batchBytes += bytes.length;
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#batch.splice(0));
    this.#batchBytes = 0;
    this.#batchFrom = this.#now;
    if (bytes.length > 0) await new Promise<void>((done) => this.#terminal.write(bytes, done));
  }

  async #input(bytes: Uint8Array): Promise<void> {
    if (this.#enteredAt !== undefined) {
      this.#ahead.push(bytes);
      this.#aheadBytes += bytes.length;
      if (this.#aheadBytes > AHEAD_MAX || this.#now - this.#enteredAt > ECHO_US) await this.#giveUpEcho();
      return;
    }
    await this.#flush();
    if (this.#terminal.buffer.active.type === 'alternate') {
      this.#start = undefined;
      return;
    }
    if (!REPORT.test(Buffer.from(bytes).toString('latin1'))) await this.#keys(bytes);
  }

  async #giveUpEcho(): Promise<void> {
    this.#start = undefined;
    await this.#goAhead();
  }

  /** The line is over: what was typed meanwhile begins the next. */
  async #goAhead(): Promise<void> {
    this.#enteredAt = undefined;
    this.#severalLines = false;
    this.#aheadBytes = 0;
    for (const bytes of this.#ahead.splice(0)) await this.#input(bytes);
  }

  async #keys(bytes: Uint8Array): Promise<void> {
    const text = Buffer.from(bytes).toString('latin1');
    for (let at = 0; at < bytes.length; at += 1) {
      if (text.startsWith(PASTE.begins, at)) this.#pasting = true;
      if (text.startsWith(PASTE.ends, at)) this.#pasting = false;
      const key = bytes[at]!;
      if (GIVES_UP.has(key) && !this.#pasting) {
        this.#start = undefined;
        this.#severalLines = false;
        continue;
      }
      this.#start ??= this.#here();
      if (key !== CR && key !== LF) continue;
      if (this.#pasting) {
        this.#severalLines = this.#terminal.modes.bracketedPasteMode;
        continue;
      }
      this.#enteredAt = this.#now;
      if (at + 1 < bytes.length) await this.#input(bytes.subarray(at + 1));
      return;
    }
  }

  #here(): LineStart {
    const { active } = this.#terminal.buffer;
    const y = active.baseY + active.cursorY;
    const top = topOf(active, y);
    const prompt = textOf(active, top, y, active.cursorX);
    return { prompt, marker: this.#terminal.registerMarker(0), column: active.cursorX, at: this.#now };
  }

  /** Enter was echoed. The screen has the line as it was sent. */
  #entered(): void {
    const start = this.#start;
    this.#start = undefined;
    const isAlternate = this.#terminal.buffer.active.type === 'alternate';
    if (start !== undefined && !isAlternate && !this.#marked) {
      const text = lineSince(this.#terminal.buffer.active, start, this.#prompt).trim();
      if (text !== '') this.#prompt = start.prompt;
      this.#release();
      if (text !== '') this.#held = this.#step(text, start, 'screen');
      if (this.#markedStart === undefined) this.#release();
    }
    start?.marker?.dispose();
  }

  #release(): void {
    if (this.#held !== undefined) this.#found.push(this.#held);
    this.#held = undefined;
  }

  #step(text: string, { prompt, at }: LineStart, foundBy: 'marks' | 'screen'): TypedLine {
    const { text: atMost } = this.#limits;
    return {
      at: this.#now,
      took: foundBy === 'screen' ? this.#now - at : 0,
      command: shownWords(text, atMost),
      ...(prompt.trim() !== '' && { prompt: shownWords(prompt.trimStart(), atMost) }),
      heuristic: true,
      foundBy,
    };
  }

  /** Marks of shells: prompt begins (A) and ends (B), a command runs (C) and ends (D), its text (633's E). */
  #mark(data: string): void {
    const [letter, ...rest] = data.split(';');
    switch (letter) {
      case 'A':
        this.#release();
        return this.#ran();
      case 'B':
        this.#release();
        this.#markedStart?.marker?.dispose();
        this.#markedStart = this.#here();
        return;
      case 'E':
        this.#markedText = unescaped(rest[0] ?? '');
        return;
      case 'C':
        return this.#runs();
      case 'D':
        return this.#ran(rest[0]);
      default:
        return;
    }
  }

  #runs(): void {
    this.#ran();
    this.#held = undefined;
    const start = this.#markedStart;
    const told = this.#markedText;
    this.#markedStart = undefined;
    this.#markedText = undefined;
    this.#marked = true;
    if (start === undefined && told === undefined) return;
    const begun = start ?? this.#here();
    const text = told ?? lineBefore(this.#terminal.buffer.active, begun);
    begun.marker?.dispose();
    if (text.trim() !== '') this.#running = this.#step(text.trim(), begun, 'marks');
  }

  #ran(status?: string): void {
    const step = this.#running;
    this.#running = undefined;
    if (step === undefined) return;
    const isStatus = status !== undefined && /^\d{1,3}$/.test(status);
    const took = this.#now - step.at;
    this.#found.push({ ...step, took, ...(isStatus && { exitStatus: Number(status) }) });
  }
}

function bounded({ columns, rows }: Size): { readonly cols: number; readonly rows: number } {
  return {
    cols: Math.min(Math.max(columns || 80, 2), COLUMNS_MAX),
    rows: Math.min(Math.max(rows || 24, 1), ROWS_MAX),
  };
}

/** The first row of the line that was wrapped onto row `y`. */
function topOf(buffer: IBuffer, y: number): number {
  let top = y;
  while (top > 0 && buffer.getLine(top)?.isWrapped) top -= 1;
  return top;
}

/** The last row of the line that row `y` is of. */
function bottomOf(buffer: IBuffer, y: number): number {
  let bottom = y;
  while (buffer.getLine(bottom + 1)?.isWrapped) bottom += 1;
  return bottom;
}

/** Rows as text, the last of them to `until`; a row that is wrapped goes on without a line's end. */
function textOf(buffer: IBuffer, top: number, bottom: number, until?: number, from = 0): string {
  let text = '';
  for (let y = top; y <= bottom; y += 1) {
    const goesOn = y < bottom && buffer.getLine(y + 1)?.isWrapped === true;
    const begin = y === top ? from : 0;
    const end = y === bottom ? until : undefined;
    const trims = !goesOn && end === undefined;
    text += buffer.getLine(y)?.translateToString(trims, begin, end) ?? '';
    if (y < bottom && !goesOn) text += '\n';
  }
  return text;
}

/** What was entered: the line that the cursor is in behind its prompt, or all that stands since the first keystroke. */
function lineSince(buffer: IBuffer, { prompt, marker, column }: LineStart, before: string): string {
  const y = buffer.baseY + buffer.cursorY;
  const top = topOf(buffer, y);
  const bottom = bottomOf(buffer, y);
  const line = textOf(buffer, top, bottom);
  for (const known of [prompt, before])
    if (known.trim() !== '' && line.startsWith(known.trimEnd())) return line.slice(known.length);
  const from = marker === undefined || marker.isDisposed ? -1 : marker.line;
  if (from < 0 || from > y) return line;
  return textOf(buffer, from, bottom, undefined, column);
}

/** From the end of the prompt to the row before the cursor's, where output begins. */
function lineBefore(buffer: IBuffer, { marker, column }: LineStart): string {
  const y = buffer.baseY + buffer.cursorY;
  const bottom = buffer.cursorX === 0 ? y - 1 : y;
  if (marker === undefined || marker.isDisposed || marker.line < 0 || marker.line > bottom) return '';
  return textOf(buffer, marker.line, bottom, undefined, column);
}

/** A command line in a mark has `\xNN` for what would end the mark, and `\\` for a backslash. */
function unescaped(text: string): string {
  return tolerant.decode(
    Buffer.from(
      Buffer.from(text)
        .toString('latin1')
        .replaceAll(/\\(?:x([\da-fA-F]{2})|\\)/g, (_, hex?: string) =>
          hex === undefined ? '\\' : String.fromCharCode(Number.parseInt(hex, 16)),
        ),
      'latin1',
    ),
  );
}
