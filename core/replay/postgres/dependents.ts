import type { Operation } from './operations.ts';

/** So far is looked whether an execution follows that will show a statement's text. */
const AHEAD_MAX = 64;

/**
 * Which of the operations that follow `first`, up to the Sync, is the first execution that could not be without it: of the
 * statement that it parses or describes, of the portal that it binds or describes. Counted from 0; undefined when none is.
 */
export function firstDependent(
  first: Operation,
  following: Iterable<Operation>,
  key: (name: string) => string,
  max = AHEAD_MAX,
): number | undefined {
  const search = new Search(first, key);
  let at = 0;
  for (const operation of following) {
    if (at === max || operation.kind === 'sync' || search.isReplaced(operation)) return undefined;
    if (search.runs(operation)) return at;
    at++;
  }
  return undefined;
}

class Search {
  readonly #key: (name: string) => string;
  #statement: string | undefined;
  readonly #portals = new Set<string>();

  constructor({ kind, what, statement, portal }: Operation, key: (name: string) => string) {
    this.#key = key;
    if (kind === 'parse' || what === 'statement') this.#statement = key(statement);
    if (kind === 'bind' || what === 'portal') this.#portals.add(key(portal));
  }

  /** Another statement takes the name: true when nothing that could run is left. */
  isReplaced({ kind, statement }: Operation): boolean {
    if (kind !== 'parse' || this.#key(statement) !== this.#statement) return false;
    this.#statement = undefined;
    return this.#portals.size === 0;
  }

  runs({ kind, statement, portal }: Operation): boolean {
    if (kind === 'execute') return this.#portals.has(this.#key(portal));
    if (kind !== 'bind') return false;
    if (this.#key(statement) === this.#statement) this.#portals.add(this.#key(portal));
    else this.#portals.delete(this.#key(portal));
    return false;
  }
}
