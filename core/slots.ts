/** How much is done at once: work waits until its share of a capacity is free. In the order in which it was asked for. */
export class Slots {
  readonly #capacity: number;
  #free: number;
  readonly #waiting: { readonly weight: number; readonly go: () => void }[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#free = capacity;
  }

  /** What weighs more than all there is waits for all there is. Resolves or rejects as `work` does. */
  async hold<T>(work: () => Promise<T>, weight = 1): Promise<T> {
    const share = Math.min(weight, this.#capacity);
    if (this.#waiting.length > 0 || share > this.#free)
      await new Promise<void>((go) => this.#waiting.push({ weight: share, go }));
    else this.#free -= share;
    try {
      return await work();
    } finally {
      this.#free += share;
      this.#letIn();
    }
  }

  #letIn(): void {
    for (
      let [next] = this.#waiting;
      next !== undefined && next.weight <= this.#free;
      [next] = this.#waiting
    ) {
      this.#waiting.shift();
      this.#free -= next.weight;
      next.go();
    }
  }
}
