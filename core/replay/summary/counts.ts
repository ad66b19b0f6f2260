/** Counts by name, of the first names that come; those that are too many are counted too. */
export class Counts<T extends { readonly step: number }> {
  readonly #most: number;
  readonly #byName = new Map<string, T>();
  readonly #others = new Filter();

  constructor(most: number) {
    this.#most = most;
  }

  /** `first`: what stands where the name is new. */
  add(name: string, first: T, change: (known: T) => void): void {
    const known = this.#byName.get(name);
    if (known !== undefined) return change(known);
    if (this.#byName.size === this.#most) return this.#others.add(name);
    this.#byName.set(name, first);
    change(first);
  }

  /** How many names are left out; about, where they are very many. */
  get leftOut(): number {
    return this.#others.size;
  }

  /** In the order in which the names came. */
  values(): readonly T[] {
    return [...this.#byName.values()];
  }
}

const REMEMBERED = 10_000;

/** Names beyond those that are kept: each counts once, as long as they can be remembered. */
class Filter {
  readonly #seen = new Set<string>();
  #more = 0;

  add(name: string): void {
    if (this.#seen.has(name)) return;
    if (this.#seen.size < REMEMBERED) this.#seen.add(name);
    else this.#more++;
  }

  get size(): number {
    return this.#seen.size + this.#more;
  }
}
