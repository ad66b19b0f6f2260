/** Values that the sandbox gave in the place of recorded ones, and later statements that send the recorded ones all the same. */
import type { Step } from '../../postgres/step.ts';

const KEPT_MAX = 10_000;
/** Numbers and UUIDs: what stands for a row. */
const KEYS = /[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}|\d+/gi;
const IS_KEY = new RegExp(`^(?:${KEYS.source})$`, 'i');

interface Given {
  readonly step: number;
  readonly column: string;
  readonly rerun: string;
}

export class Flows {
  readonly #given = new Map<string, Given>();

  /** An INSERT, or a sequence, gave `recorded` then and `rerun` now. */
  gave(step: number, column: string, recorded: string, rerun: string): void {
    if (!IS_KEY.test(recorded) || this.#given.size >= KEPT_MAX || this.#given.has(recorded)) return;
    this.#given.set(recorded, { step, column, rerun });
  }

  /** Why a statement that was sent as it was recorded may mean another row here, or none. */
  into({ statement, values }: Pick<Step, 'statement' | 'values'>, step: number): string | undefined {
    if (this.#given.size === 0) return undefined;
    const texts = [statement?.text ?? '', ...(values ?? []).map((value) => value?.text ?? '')];
    for (const [key] of texts.join(' ').matchAll(KEYS)) {
      const given = this.#given.get(key);
      if (given === undefined || given.step >= step) continue;
      return (
        `it names ${key}, which step ${given.step} gave as ${given.column} in the recording, where the sandbox gave ` +
        `${given.rerun}: the sandbox must be as the data was before the session (--at session)`
      );
    }
    return undefined;
  }
}
