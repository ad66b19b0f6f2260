import type { Command } from './sql/commands.ts';
import type { CutValue } from './values.ts';

/** A prepared statement of the server. */
export interface Prepared {
  /** As the client wrote it, one character for each byte. */
  readonly name: string;
  /** Undefined when it was not kept. */
  readonly text: CutValue | undefined;
  /** What Parse says of its parameters. */
  readonly declared: readonly number[];
  /** Of its parameters: what Parse says, then what ParameterDescription does. */
  types: readonly number[];
  /** What Describe told. */
  columns: readonly Described[] | undefined;
  /** What its text says; undefined when that cannot be told. */
  readonly command: Command | undefined;
  /** A step has shown its text. */
  shown: boolean;
}

/** A bound statement, or a cursor that SQL declared. */
export interface Portal {
  readonly name: string;
  readonly prepared: Prepared | undefined;
  readonly formats: readonly number[];
  /** Undefined when they were not kept. */
  readonly values: readonly (CutValue | null)[] | undefined;
  readonly resultFormats: readonly number[];
  columns: readonly Described[] | undefined;
  /** Why `prepared` may not be what the server bound. */
  readonly doubt: string | undefined;
}

/** A column as the decoder needs it. */
export interface Described {
  readonly name: CutValue;
  readonly type: number;
  readonly format: number;
}

const ENTRY_BYTES = 300;

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

interface Kept<Entry> {
  readonly entry: Entry;
  weight: number;
}

/** Entries by key, as long as the budget lasts: a key that is not kept is not known later. */
export class Named<Entry> {
  readonly #kept = new Map<string, Kept<Entry>>();
  readonly #budget: Budget;
  readonly #weigh: (entry: Entry) => number;

  constructor(budget: Budget, weigh: (entry: Entry) => number) {
    this.#budget = budget;
    this.#weigh = weigh;
  }

  get(key: string): Entry | undefined {
    return this.#kept.get(key)?.entry;
  }

  /** Puts `entry` in the place of what had its key. */
  set(key: string, entry: Entry): void {
    this.delete(key);
    const weight = this.#weigh(entry) + key.length * 2;
    if (this.#budget.take(weight)) this.#kept.set(key, { entry, weight });
  }

  /** May the entry of `key` grow by `bytes`? One that is not kept may not. */
  grow(key: string, bytes: number): boolean {
    const kept = this.#kept.get(key);
    if (kept === undefined || !this.#budget.take(bytes)) return false;
    kept.weight += bytes;
    return true;
  }

  delete(key: string): void {
    const kept = this.#kept.get(key);
    if (kept === undefined) return;
    this.#kept.delete(key);
    this.#budget.giveBack(kept.weight);
  }

  deleteWhere(is: (entry: Entry, key: string) => boolean): void {
    for (const [key, { entry }] of this.#kept) if (is(entry, key)) this.delete(key);
  }

  values(): Entry[] {
    return Array.from(this.#kept.values(), ({ entry }) => entry);
  }
}

export function weightOfPrepared({ text, types }: Prepared): number {
  return ENTRY_BYTES + (text?.bytes.length ?? 0) + types.length * 8;
}

export function weightOfPortal({ values, formats, resultFormats }: Portal): number {
  return ENTRY_BYTES + weightOfValues(values ?? []) + (formats.length + resultFormats.length) * 8;
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
