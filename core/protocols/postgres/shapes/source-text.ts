import type { Token } from './parser.ts';
import { TOKEN } from './parser.ts';

/** A text that was parsed, with the parser's places in it: bytes of its UTF-8. */
export class SourceText {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  readonly #index: ReadonlyMap<number, number>;
  /** Of each byte, the UTF-16 unit; undefined where they are the same. */
  readonly #units: Int32Array | undefined;

  constructor(text: string, tokens: readonly Token[]) {
    this.#text = text;
    this.#tokens = tokens.filter(({ type }) => !isComment(type));
    this.#index = new Map(this.#tokens.map(({ start }, at) => [start, at]));
    this.#units = Buffer.byteLength(text) === text.length ? undefined : unitsOf(text);
  }

  /** The tokens of a part of it, but for comments. */
  within(start: number, end: number): readonly Token[] {
    return this.#tokens.filter((token) => token.start >= start && token.end <= end);
  }

  /** The token that begins at this byte. */
  at(start: number): Token | undefined {
    return this.#tokens[this.#index.get(start) ?? -1];
  }

  after(token: Token): Token | undefined {
    return this.#tokens[this.#index.get(token.start)! + 1];
  }

  slice({ start, end }: Pick<Token, 'start' | 'end'>): string {
    return this.#text.slice(this.unit(start), this.unit(end));
  }

  /** The UTF-16 unit at which this byte is. */
  unit(byte: number): number {
    return this.#units === undefined ? byte : this.#units[byte]!;
  }
}

export function isComment(type: number): boolean {
  return type === TOKEN.comment || type === TOKEN.lineComment;
}

function unitsOf(text: string): Int32Array {
  const units = new Int32Array(Buffer.byteLength(text) + 1);
  let byte = 0;
  let unit = 0;
  for (const character of text) {
    const bytes = Buffer.byteLength(character);
    units.fill(unit, byte, byte + bytes);
    byte += bytes;
    unit += character.length;
  }
  units[byte] = unit;
  return units;
}
