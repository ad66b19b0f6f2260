/** The values that were used last, of two generations: when the young one is full it becomes the old one. Bounded by what its values weigh. */
export class Generations<V> {
  readonly #weightMax: number;
  #young = new Map<string, V>();
  #old = new Map<string, V>();
  #weight = 0;

  /** Of one generation. */
  constructor(weightMax: number) {
    this.#weightMax = weightMax;
  }

  get(key: string): V | undefined {
    const found = this.#young.get(key);
    if (found !== undefined) return found;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old, key.length);
    return old;
  }

  set(key: string, value: V, weight: number): void {
    if (this.#weight + weight > this.#weightMax) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#weight = 0;
    }
    this.#young.set(key, value);
    this.#weight += weight;
  }
}
