import { setImmediate as turn } from 'node:timers/promises';

/** Counts calls in sequence: every call of a wrapped port waits, and once nothing else goes on all that wait are let through as one round. */
export class Rounds {
  #waiting: (() => void)[] = [];

  /** `calls`: all when not given. */
  wrap<T extends object>(port: T, ...calls: readonly (keyof T)[]): T {
    return new Proxy(port, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key);
        if (typeof value !== 'function') return value;
        if (calls.length > 0 && !calls.includes(key as keyof T)) return value.bind(target) as unknown;
        return async (...args: unknown[]) => {
          await new Promise<void>((go) => this.#waiting.push(go));
          return value.apply(target, args) as unknown;
        };
      },
    });
  }

  /** How many rounds this takes. */
  async of(work: Promise<unknown>): Promise<number> {
    let over = false;
    const done = work.finally(() => (over = true));
    done.catch(() => undefined);
    for (let rounds = 0; ; rounds += 1) {
      for (let quiet = 0; quiet < 5; quiet += 1) await turn();
      if (over) return done.then(() => rounds);
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const go of waiting) go();
    }
  }
}
