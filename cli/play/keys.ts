/** What a person presses while a session is played. */
export type Key =
  | { readonly kind: 'toggle' | 'faster' | 'slower' | 'rows' | 'help' | 'quit' }
  | {
      readonly kind: 'jump';
      readonly direction: 'next' | 'previous';
      readonly stop: 'step' | 'error' | 'write';
    }
  | { readonly kind: 'go'; readonly place: string };

const PLAIN: Readonly<Record<string, Key>> = {
  ' ': { kind: 'toggle' },
  '+': { kind: 'faster' },
  '-': { kind: 'slower' },
  r: { kind: 'rows' },
  '?': { kind: 'help' },
  h: { kind: 'help' },
  q: { kind: 'quit' },
  '\x03': { kind: 'quit' },
  '\x04': { kind: 'quit' },
  '\r': { kind: 'jump', direction: 'next', stop: 'step' },
  '\n': { kind: 'jump', direction: 'next', stop: 'step' },
  n: { kind: 'jump', direction: 'next', stop: 'step' },
  p: { kind: 'jump', direction: 'previous', stop: 'step' },
  e: { kind: 'jump', direction: 'next', stop: 'error' },
  E: { kind: 'jump', direction: 'previous', stop: 'error' },
  w: { kind: 'jump', direction: 'next', stop: 'write' },
  W: { kind: 'jump', direction: 'previous', stop: 'write' },
};

/** Arrows, as terminals send them (ECMA-48 CSI, and SS3 in application mode). */
const ARROWS: Readonly<Record<string, Key>> = {
  C: PLAIN['n']!,
  B: PLAIN['n']!,
  D: PLAIN['p']!,
  A: PLAIN['p']!,
};

export const KEYS_HELP = [
  'space       pause, go on',
  'n  p        next step, step before (also the arrows)',
  'e  E        next error, error before',
  'w  W        next write, write before',
  '+  -        faster, slower',
  'r           more rows of this step',
  'g           go to: a step (12), a time (1:02.5, 90s) or a part of it (50%), then Enter',
  'q           enough',
];

/** A control sequence, or one character. */
// oxlint-disable-next-line no-control-regex
const PIECE = /\x1b[[O][0-9;]*[A-Za-z~]|[^]/g;

/** Keys from the bytes of a terminal in raw mode. A place that is being typed is kept until Enter; Escape forgets it. */
export class KeyReader {
  #place: string | undefined;

  /** What is being typed, to be shown. */
  get typing(): string | undefined {
    return this.#place;
  }

  read(bytes: Uint8Array): Key[] {
    const text = Buffer.from(bytes).toString('latin1');
    const pieces = text.match(PIECE) ?? [];
    return pieces.flatMap((piece) => this.#piece(piece) ?? []);
  }

  #piece(piece: string): Key | undefined {
    if (this.#place !== undefined) return this.#typed(piece, this.#place);
    if (piece === 'g') this.#place = '';
    else return piece.startsWith('\x1b') ? ARROWS[piece.at(-1)!] : PLAIN[piece];
    return undefined;
  }

  #typed(piece: string, place: string): Key | undefined {
    if (piece === '\r' || piece === '\n') {
      this.#place = undefined;
      return { kind: 'go', place };
    }
    if (piece.startsWith('\x1b')) this.#place = undefined;
    else if (piece === '\x03') return { kind: 'quit' };
    else if (piece === '\x7f' || piece === '\b') this.#place = place.slice(0, -1);
    else if (/^[\d:.%s]$/.test(piece) && place.length < 20) this.#place = place + piece;
    return undefined;
  }
}
