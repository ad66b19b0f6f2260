/** What requests and runs have in common: a beginning that never changes, and steps that are only added and then told. */
import { asCustodyError, CustodyError } from './errors.ts';

/** Under a race one change of each round gets through, so this many can be in a row at once. */
const TRIES = 500;

/** Of a store that compares and appends: see `AccessRequests` and `Runs`. */
interface Steps<T, S> {
  get(id: string): Promise<T>;
  append(id: string, after: number, steps: readonly S[]): Promise<void>;
}

/**
 * Adds the steps that `steps` makes of the thing as it is now; nothing where it makes none. Of two changes at once, one sees what the
 * other did. Durable when it resolves. Rejects with what `steps` throws, with `not-found`, and with `conflict` in the words `crowded`.
 */
export async function addSteps<T extends { readonly steps: readonly S[] }, S>(
  store: Steps<T, S>,
  id: string,
  steps: (found: T) => readonly S[],
  crowded: string,
): Promise<T> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const found = await store.get(id);
    const added = steps(found);
    if (added.length === 0) return found;
    try {
      await store.append(id, found.steps.length, added);
      return { ...found, steps: [...found.steps, ...added] };
    } catch (error) {
      if (asCustodyError(error).code !== 'conflict') throw error;
    }
  }
  throw new CustodyError('conflict', crowded, { hint: 'try again' });
}

/** Tells what has not been told, one after the other for each id, so that two who change one at once do not both tell the same. */
export class Telling {
  readonly #tell: (id: string) => Promise<void>;
  readonly #running = new Map<string, Promise<void>>();

  /** `tell`: all that is untold of this one. */
  constructor(tell: (id: string) => Promise<void>) {
    this.#tell = tell;
  }

  /** When it resolves, all that was untold before has been told. */
  of(id: string): Promise<void> {
    const rest = (): Promise<void> => this.#tell(id);
    const mine = (this.#running.get(id) ?? Promise.resolve()).then(rest, rest);
    this.#running.set(id, mine);
    return mine.finally(() => {
      if (this.#running.get(id) === mine) this.#running.delete(id);
    });
  }

  /** One that cannot be told keeps no other from it; rejects for it at the end. */
  async each(ids: readonly string[]): Promise<void> {
    const failures: unknown[] = [];
    for (const id of ids) await this.of(id).catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw asCustodyError(failures[0]);
  }
}
