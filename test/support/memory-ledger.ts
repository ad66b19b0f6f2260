import { CustodyError } from '#core/errors.ts';
import { leafHash } from '#core/ledger/merkle.ts';
import type {
  LeafPlace,
  LeafPlaces,
  LeafQueue,
  LedgerHead,
  QueuedLeaf,
  StoredHead,
} from '#core/ledger/ports.ts';

/** A head in memory, and every head that it ever had. */
export class MemoryHead implements LedgerHead {
  readonly history: string[] = [];

  async read(): Promise<StoredHead | undefined> {
    const checkpoint = this.history.at(-1);
    return checkpoint === undefined ? undefined : { checkpoint, version: String(this.history.length) };
  }

  async swap(expected: string | undefined, checkpoint: string): Promise<string> {
    const version = this.history.length === 0 ? undefined : String(this.history.length);
    if (expected !== version) throw new CustodyError('conflict', 'the ledger has another head by now');
    return String(this.history.push(checkpoint));
  }
}

/** A queue in memory. */
export class MemoryQueue implements LeafQueue {
  readonly #leaves = new Map<string, Uint8Array | undefined>();

  async add(leaf: Uint8Array): Promise<void> {
    const id = leafHash(leaf).toString('hex');
    if (!this.#leaves.has(id)) this.#leaves.set(id, Uint8Array.from(leaf));
  }

  async list(limit: number): Promise<readonly QueuedLeaf[]> {
    const queued = [...this.#leaves].flatMap(([id, leaf]) => (leaf === undefined ? [] : [{ id, leaf }]));
    return queued.slice(0, limit);
  }

  async remove(ids: readonly string[]): Promise<void> {
    for (const id of ids) if (this.#leaves.has(id)) this.#leaves.set(id, undefined);
  }
}

/** Places in memory. */
export class MemoryPlaces implements LeafPlaces {
  readonly #places = new Map<string, Set<number>>();

  async note(places: readonly LeafPlace[]): Promise<void> {
    for (const { session, index } of places) {
      this.#places.set(session, (this.#places.get(session) ?? new Set()).add(index));
    }
  }

  async of(session: string): Promise<readonly number[]> {
    return [...(this.#places.get(session) ?? [])].toSorted((a, b) => a - b);
  }
}
