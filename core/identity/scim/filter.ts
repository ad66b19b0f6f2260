/** Filters and paths of SCIM (RFC 7644 sections 3.4.2.2 and 3.5.2), as far as directories use them: `eq`, and `and` between. */
import { asCustodyError } from '../../errors.ts';
import { parseJson } from '../../json.ts';
import { scimRefusal } from './refusal.ts';

/** One comparison: the attribute is in lower case, without the core schema's name, and its sub-attribute behind a dot. */
export interface Term {
  readonly attribute: string;
  readonly value: string | number | boolean | null;
}

/** What a change is about: an attribute, those of its values that fit, and a part of them. */
export interface Path {
  readonly attribute: string;
  readonly filter?: readonly Term[];
  readonly part?: string;
}

const LENGTH_MAX = 2_048;
const TERMS_MAX = 10;
const CORE = /^urn:ietf:params:scim:schemas:core:2\.0:(?:user|group):/;
/** A name, with the name of an extension's schema before it and a part behind it. */
const NAME = /(?:[a-z0-9][a-z0-9.-]*:)*[a-z$][a-z0-9_$-]*(?:\.[a-z$][a-z0-9_$-]*)?/iy;
const OPERATOR = / +([a-z]{2}) +/iy;
const AND = / +and +/iy;
/** As JSON writes it; what it holds is looked at by the reader of JSON. */
const VALUE = /"(?:[^"\\]|\\.)*"|true|false|null|-?[0-9][0-9.eE+-]*/y;

/** All of the terms must hold. Throws `invalidFilter`. */
export function parseFilter(text: string): readonly Term[] {
  const reader = new Reader(text.trim());
  const terms = reader.terms();
  reader.end();
  return terms;
}

/** Throws `invalidPath`. */
export function parsePath(text: string): Path {
  try {
    return new Reader(text.trim()).path();
  } catch (thrown) {
    throw scimRefusal('invalidPath', asCustodyError(thrown).message.replace('filter', 'path'));
  }
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    if (text.length > LENGTH_MAX) throw wrong(`is longer than ${LENGTH_MAX} characters`);
    this.#text = text;
  }

  terms(): readonly Term[] {
    const terms = [this.#term()];
    while (this.#take(AND) !== undefined) {
      if (terms.length === TERMS_MAX) throw wrong(`has more than ${TERMS_MAX} comparisons`);
      terms.push(this.#term());
    }
    return terms;
  }

  path(): Path {
    const attribute = this.#name();
    if (!this.#skip('[')) return this.#end(divided(attribute));
    const filter = this.terms();
    if (!this.#skip(']')) throw wrong('has no ] where one belongs');
    const part = this.#skip('.') ? this.#name() : undefined;
    return this.#end({ attribute, filter, ...(part === undefined ? {} : { part }) });
  }

  end(): void {
    if (this.#at < this.#text.length)
      throw wrong(`is not understood from character ${this.#at + 1} on: only eq and "and" are`);
  }

  #end<T>(read: T): T {
    this.end();
    return read;
  }

  #term(): Term {
    const attribute = this.#name();
    const operator = this.#take(OPERATOR)?.trim().toLowerCase();
    if (operator !== 'eq') throw wrong('compares in a way that is not known here: only eq is');
    return { attribute, value: this.#value() };
  }

  #value(): Term['value'] {
    const written = this.#take(VALUE);
    try {
      if (written !== undefined) return parseJson(written) as Term['value'];
    } catch {
      // Said below.
    }
    throw wrong(
      `has no value at character ${this.#at + 1}: expected a text in double quotes, true, false or a number`,
    );
  }

  #name(): string {
    const name = this.#take(NAME);
    if (name === undefined) throw wrong(`has no attribute at character ${this.#at + 1}`);
    return name.toLowerCase().replace(CORE, '');
  }

  #skip(character: string): boolean {
    const found = this.#text[this.#at] === character;
    if (found) this.#at += 1;
    return found;
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const [found] = pattern.exec(this.#text) ?? [];
    this.#at += found?.length ?? 0;
    return found;
  }
}

/** `name.givenName` is a part of an attribute; the dots in the name of an extension's schema are not. */
function divided(name: string): Path {
  const [, attribute, part] = /^((?:.*:)?[^:.]+)\.([^:.]+)$/.exec(name) ?? [];
  return attribute === undefined || part === undefined ? { attribute: name } : { attribute, part };
}

function wrong(what: string): Error {
  return scimRefusal('invalidFilter', `the filter ${what}`);
}
