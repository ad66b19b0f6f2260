/** Checkpoints that somebody kept in this browser, so that no past can be rewritten without their seeing it. */
import { type ReadonlySignal, signal } from '@preact/signals';
import { isJsonObject } from '#core/json.ts';

export interface Kept {
  /** The signed note: it is opened anew whenever it is compared. */
  readonly note: string;
  /** ISO 8601. */
  readonly at: string;
}

const KEY = 'custody-checkpoints';
/** Of more, those in the middle go: the oldest proves the most, the newest say how it grew. */
const KEPT_MAX = 100;
type Store = Pick<Storage, 'getItem' | 'setItem'>;

export class KeptStore {
  readonly #store: Store;
  readonly #kept;

  constructor(store: Store) {
    this.#store = store;
    this.#kept = signal(readKept(store.getItem(KEY)));
  }

  /** Oldest first. */
  get kept(): ReadonlySignal<readonly Kept[]> {
    return this.#kept;
  }

  keep(kept: Kept): void {
    const others = this.#kept.value.filter(({ note }) => note !== kept.note);
    if (others.length >= KEPT_MAX) others.splice(1, 1);
    this.#write([...others, kept]);
  }

  forget(note: string): void {
    this.#write(this.#kept.value.filter((kept) => kept.note !== note));
  }

  #write(kept: readonly Kept[]): void {
    this.#store.setItem(KEY, JSON.stringify(kept));
    this.#kept.value = kept;
  }
}

function readKept(text: string | null): readonly Kept[] {
  try {
    const value: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(value) ? value.filter(isKept) : [];
  } catch {
    return [];
  }
}

function isKept(value: unknown): value is Kept {
  return (
    isJsonObject(value) &&
    typeof value['note'] === 'string' &&
    typeof value['at'] === 'string' &&
    !Number.isNaN(Date.parse(value['at']))
  );
}
