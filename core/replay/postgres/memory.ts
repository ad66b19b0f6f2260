import type { CutValue } from './values.ts';

/** A prepared statement, as far as the client's side tells it. */
export interface Prepared {
  readonly name: string;
  readonly text: CutValue;
  /** Of its parameters: what Parse says, then what ParameterDescription does. */
  types: readonly number[];
  /** What Describe told. */
  columns: readonly Described[] | undefined;
  /** An execution of it was asked for, and will be shown with its text. */
  executed: boolean;
}

/** A bound statement. */
export interface Portal {
  readonly name: string;
  readonly prepared: Prepared | undefined;
  readonly formats: readonly number[];
  readonly values: readonly (CutValue | null)[];
  readonly resultFormats: readonly number[];
  columns: readonly Described[] | undefined;
}

/** A column as the decoder needs it. */
export interface Described {
  readonly name: CutValue;
  readonly type: number;
  readonly format: number;
}

const ENTRY_BYTES = 200;

/** A budget in bytes: what it does not grant is not kept. */
export class Budget {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  take(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#left += bytes;
  }
}

/** Prepared statements or portals by name, as long as the budget lasts: a name that is not kept is not known later. */
export class Named<Entry extends { readonly name: string }> {
  readonly #entries = new Map<string, { readonly entry: Entry; weight: number }>();
  readonly #budget: Budget;
  readonly #weigh: (entry: Entry) => number;

  constructor(budget: Budget, weigh: (entry: Entry) => number) {
    this.#budget = budget;
    this.#weigh = weigh;
  }

  get(name: string): Entry | undefined {
    return this.#entries.get(name)?.entry;
  }

  /** Puts `entry` in the place of what had its name, and returns that. */
  set(entry: Entry): Entry | undefined {
    const before = this.get(entry.name);
    if (before !== undefined) this.delete(before);
    const weight = this.#weigh(entry) + entry.name.length * 2;
    if (this.#budget.take(weight)) this.#entries.set(entry.name, { entry, weight });
    return before;
  }

  /** May `entry` grow by `bytes`? One that no longer has its name may: it is soon gone. */
  grow(entry: Entry, bytes: number): boolean {
    const kept = this.#entries.get(entry.name);
    if (kept?.entry !== entry) return true;
    if (!this.#budget.take(bytes)) return false;
    kept.weight += bytes;
    return true;
  }

  /** Forgets `entry`, unless its name has passed to another. */
  delete(entry: Entry): void {
    const kept = this.#entries.get(entry.name);
    if (kept?.entry !== entry) return;
    this.#entries.delete(entry.name);
    this.#budget.giveBack(kept.weight);
  }

  /** The server refused `entry`: what was before it is what there is. */
  undo(entry: Entry, before: Entry | undefined): void {
    if (this.get(entry.name) !== entry) return;
    this.delete(entry);
    if (before !== undefined) this.set(before);
  }
}

export function weightOfPrepared({ text, types }: Prepared): number {
  return ENTRY_BYTES + text.bytes.length + types.length * 8;
}

export function weightOfPortal({ values, formats, resultFormats }: Portal): number {
  return ENTRY_BYTES + weightOfValues(values) + (formats.length + resultFormats.length) * 8;
}

export function weightOfValues(values: readonly (CutValue | null)[]): number {
  return values.reduce((sum, value) => sum + (value?.bytes.length ?? 0), values.length * 64);
}

export function weightOfColumns(columns: readonly Described[]): number {
  return columns.reduce((sum, { name }) => sum + name.bytes.length, columns.length * 64);
}

/** A copy of the first `limit` bytes, which keeps nothing else alive. */
export function keep(value: CutValue, limit: number): CutValue {
  return { ...value, bytes: Uint8Array.from(value.bytes.subarray(0, limit)) };
}

export function keepOrNull(value: CutValue | null, limit: number): CutValue | null {
  return value === null ? null : keep(value, limit);
}
