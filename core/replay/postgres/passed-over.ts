import type { Intended } from './intended.ts';
import type { ShownReport } from './step.ts';

/** After an error the server passes over everything up to the next Sync. Texts of what it passes over are what the client intended. */
export class PassedOver {
  #intended: Intended | undefined;
  /** The execution that the error prevented, by how many are passed over before it. */
  #prevented: { left: number; readonly error: ShownReport } | undefined;

  /** Undefined while nothing is passed over. */
  get intended(): Intended | undefined {
    return this.#intended;
  }

  begin(intended: Intended): void {
    this.#intended = intended;
  }

  /** The error is shown with the execution that comes after `left` others. */
  showWith(left: number, error: ShownReport): void {
    this.#prevented = { left, error };
  }

  /** One more is passed over. Returns the error, where that is the one to show it with. */
  next(): ShownReport | undefined {
    const prevented = this.#prevented;
    if (prevented === undefined || prevented.left-- > 0) return undefined;
    this.#prevented = undefined;
    return prevented.error;
  }

  end(): void {
    this.#intended = undefined;
    this.#prevented = undefined;
  }
}
