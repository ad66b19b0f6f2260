/** What a worker sees that was killed. */
export class Killed extends Error {}

/** Several workers at once: lets one port call of one of them through at a time, in the order that the turns say. */
export class Turns {
  readonly #turns: number[];
  readonly #waiting: { readonly name: number; readonly go: () => void }[] = [];

  constructor(turns: readonly number[]) {
    this.#turns = [...turns];
  }

  /** Calls of the port wait for their turn; the one that kills takes effect or not, and then its worker is dead. */
  interleave<T extends object>(port: T, name: number, dies: { in: number }): T {
    return new Proxy(port, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key);
        if (typeof value !== 'function') return value;
        return async (...args: unknown[]) => {
          await new Promise<void>((go) => this.#waiting.push({ name, go }));
          if (dies.in < 0) throw new Killed();
          dies.in -= 1;
          if (dies.in === -1 && name === 0) throw new Killed();
          const result: unknown = await value.apply(target, args);
          if (dies.in === -1) throw new Killed();
          return result;
        };
      },
    });
  }

  async run(workers: readonly Promise<void>[]): Promise<void> {
    const state = { running: true };
    const all = Promise.all(workers).finally(() => (state.running = false));
    while (state.running) {
      const wanted = this.#turns.shift() ?? 0;
      const at = this.#waiting.findIndex(({ name }) => name === wanted);
      const [next] = this.#waiting.splice(at < 0 ? 0 : at, 1);
      next?.go();
      for (let settle = 0; settle < 20; settle += 1) await Promise.resolve();
      if (next === undefined) await new Promise(setImmediate);
    }
    await all;
  }
}
