import { portalOf, preparedOf } from './entries.ts';
import type { Portal, Prepared } from './memory.ts';
import type { Names } from './names.ts';
import type { Operation } from './operations.ts';

const NAMES_MAX = 10_000;

/**
 * What the names would stand for if the server did what the client asks: for showing the texts of what it passed over, or
 * never came to. Nothing of it becomes so.
 */
export class Intended {
  readonly #names: Names;
  readonly #key: (name: string) => string;
  readonly #statements = new Map<string, Prepared | undefined>();
  readonly #portals = new Map<string, Portal | undefined>();

  constructor(names: Names, key: (name: string) => string) {
    this.#names = names;
    this.#key = key;
  }

  portal(name: string): Portal | undefined {
    const key = this.#key(name);
    return this.#portals.has(key) ? this.#portals.get(key) : this.#names.portal(key);
  }

  /** Gives and takes away the names that `operation` does; returns the statement that it parses. */
  take(operation: Operation): Prepared | undefined {
    const { kind, what, statement, portal } = operation;
    if (kind === 'bind')
      this.#put(this.#portals, portal, portalOf(operation, this.#statement(statement), undefined));
    if (kind === 'close' && what === 'statement') this.#put(this.#statements, statement, undefined);
    if (kind === 'close' && what === 'portal') this.#put(this.#portals, portal, undefined);
    if (kind !== 'parse') return undefined;
    const prepared = preparedOf(operation, undefined);
    this.#put(this.#statements, statement, prepared);
    return prepared;
  }

  /** Whether it failed is not what the client intended: it may have meant either statement. */
  forgetStatement(name: string): void {
    this.#put(this.#statements, name, undefined);
  }

  #statement(name: string): Prepared | undefined {
    const key = this.#key(name);
    return this.#statements.has(key) ? this.#statements.get(key) : this.#names.statement(key);
  }

  #put<Entry>(names: Map<string, Entry>, name: string, entry: Entry): void {
    if (names.size < NAMES_MAX) names.set(this.#key(name), entry);
  }
}
