type Settled<T> = { readonly result: IteratorResult<T, unknown> } | { readonly error: unknown };

/** What an iterator gives next, for who does other things meanwhile: what was asked for once is not lost. */
export class Pulled<T> {
  readonly #items: AsyncIterator<T, unknown>;
  #isAsked = false;
  #settled: Settled<T> | undefined;
  /** Of who waits now. One at a time: an item that takes hours to come collects nobody. */
  #wake: () => void = () => undefined;

  constructor(items: AsyncIterator<T, unknown>) {
    this.#items = items;
  }

  /** Undefined when `time` came first. Rejects with what the iterator rejects with. */
  async before(time: Promise<void>): Promise<IteratorResult<T, unknown> | undefined> {
    this.#ask();
    if (this.#settled === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        void time.then(resolve);
      });
    }
    const settled = this.#settled;
    if (settled === undefined) return undefined;
    [this.#settled, this.#isAsked] = [undefined, false];
    if ('error' in settled) throw settled.error;
    return settled.result;
  }

  /** Nobody asks any more. What is under way ends by itself. */
  stop(): void {
    this.#items.return?.().catch(() => undefined);
  }

  #ask(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    this.#items.next().then(
      (result) => this.#settle({ result }),
      (error: unknown) => this.#settle({ error }),
    );
  }

  #settle(settled: Settled<T>): void {
    this.#settled = settled;
    this.#wake();
  }
}
