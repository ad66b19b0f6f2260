/** https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO */

const MEMBERS_MAX = 10_000;
const QUOTED = /"((?:[^"\\]|\\[\s\S])*)"/y;
const PLAIN = /[^\s{}",\\](?:[^{}",\\]*[^\s{}",\\])?/y;
const SPACE = /[ \t\n\r\v\f]*/y;

/** The members of an array of one dimension in text; undefined for every other. NULL is null. */
export function arrayMembers(text: string): readonly (string | null)[] | undefined {
  const reader = new ArrayReader(text);
  return reader.members();
}

class ArrayReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  members(): (string | null)[] | undefined {
    if (!this.#takes('{')) return undefined;
    const found: (string | null)[] = [];
    if (this.#takes('}')) return this.#isOver() ? found : undefined;
    do {
      const member = this.#member();
      if (member === undefined || found.length === MEMBERS_MAX) return undefined;
      found.push(member);
    } while (this.#takes(','));
    return this.#takes('}') && this.#isOver() ? found : undefined;
  }

  #member(): string | null | undefined {
    this.#match(SPACE);
    const quoted = this.#match(QUOTED);
    if (quoted !== undefined) return quoted[1]!.replace(/\\([\s\S])/g, '$1');
    const plain = this.#match(PLAIN)?.[0];
    return plain?.toLowerCase() === 'null' ? null : plain;
  }

  #takes(mark: string): boolean {
    this.#match(SPACE);
    if (this.#text[this.#at] !== mark) return false;
    this.#at += 1;
    return true;
  }

  #isOver(): boolean {
    this.#match(SPACE);
    return this.#at === this.#text.length;
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text) ?? undefined;
    if (found !== undefined) this.#at = pattern.lastIndex;
    return found;
  }
}
