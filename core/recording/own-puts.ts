import { asCustodyError } from '../errors.ts';
import { objectKey } from './layout.ts';
import type { NamedObject, RecordingSink, Retention } from './ports.ts';

/**
 * The objects of one session, which may take several tries. A put that was rejected may have stored its object all the same;
 * when the next try then finds the name taken, it is by that object: nobody but the holder of the task's lease puts under a
 * session's name. A name that is taken at the first try is somebody else's, and stays an error.
 */
export class OwnPuts {
  readonly #sink: RecordingSink;
  readonly #session: string;
  readonly #retention: Retention | undefined;
  readonly #tried = new Set<string>();
  readonly #stored = new Set<string>();

  constructor(sink: RecordingSink, session: string, retention: Retention | undefined) {
    this.#sink = sink;
    this.#session = session;
    this.#retention = retention;
  }

  /** It may be in the store. */
  mayHave(name: string): boolean {
    return this.#tried.has(name) || this.#stored.has(name);
  }

  /** When it returns, the object is durable; at once when it has been for long. `bytes` are the same at each try. */
  async put(name: string, bytes: Uint8Array): Promise<void> {
    if (this.#stored.has(name)) return;
    try {
      await this.#sink.put(objectKey(this.#session, name), bytes, this.#retention);
    } catch (error) {
      const isTaken = asCustodyError(error).code === 'already-exists';
      if (!isTaken) this.#tried.add(name);
      if (!isTaken || !this.#tried.has(name)) throw error;
    }
    this.#stored.add(name);
  }

  /**
   * All of them at their first try, and a leaf of the ledger behind them. False, with nothing done, where the store cannot do that in one
   * step, or may have some of them.
   */
  async putEntered(objects: readonly NamedObject[], leaf: Uint8Array): Promise<boolean> {
    if (this.#sink.putEntered === undefined || objects.some(([name]) => this.mayHave(name))) return false;
    const keyed = objects.map(([name, bytes]) => [objectKey(this.#session, name), bytes] as const);
    try {
      await this.#sink.putEntered(keyed, leaf);
    } catch (error) {
      if (asCustodyError(error).code !== 'already-exists')
        for (const [name] of objects) this.#tried.add(name);
      throw error;
    }
    for (const [name] of objects) this.#stored.add(name);
    return true;
  }
}
