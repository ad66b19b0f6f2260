import type { Shown } from '../../step.ts';
import type { ShownRef } from './file-step.ts';
import { PATH_MAX, shownBytes } from './shown.ts';

/** Refs that the target told of, of which the names are kept. */
const TOLD_MAX = 65_536;
const TOLD_BYTES_MAX = 8 << 20;
const LIST_MAX = 100;
/** Objects that were wanted: those that are asked for again are not counted again. */
const WANTED_MAX = 65_536;
const ID = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;
const NONE = /^0+$/;

export function isObjectId(text: string): boolean {
  return ID.test(text);
}

/** What was told of, wanted and changed. Bounded whatever comes. */
export class GitRefs {
  readonly #named = new Map<string, string[]>();
  readonly #wanted = new Set<string>();
  readonly #shown: ShownRef[] = [];
  readonly #byName = new Map<string, number>();
  #toldBytes = 0;
  #told = 0;
  #changed = 0;
  #bad = 0;

  /** All of them. */
  get changed(): number {
    return this.#changed;
  }

  get advertised(): number {
    return this.#told;
  }

  /** Updates that the target would not do. */
  get bad(): number {
    return this.#bad;
  }

  get list(): readonly ShownRef[] {
    return this.#shown;
  }

  told(id: string, name: string): void {
    this.#told += 1;
    const names = this.#named.get(id) ?? [];
    if (names.includes(name) || this.#told > TOLD_MAX || this.#toldBytes > TOLD_BYTES_MAX) return;
    this.#toldBytes += name.length + id.length;
    if (names.length === 0) this.#named.set(id, names);
    if (names.length < LIST_MAX) names.push(name);
  }

  wanted(id: string): void {
    if (this.#wanted.has(id)) return;
    if (this.#wanted.size < WANTED_MAX) this.#wanted.add(id);
    const names = this.#named.get(id) ?? [undefined];
    for (const name of names) this.#add({ ...(name === undefined ? {} : { name: latin(name) }), to: id });
  }

  /** By name, where the target finds out the object. */
  wantedByName(name: string): void {
    this.#add({ name: latin(name) });
  }

  update(from: string, to: string, name: string): void {
    const change = NONE.test(from) ? 'create' : NONE.test(to) ? 'delete' : 'update';
    if (this.#shown.length < LIST_MAX) this.#byName.set(name, this.#shown.length);
    this.#add({ name: latin(name), from, to, change });
  }

  /** `words`: `ok`, or why it was not done. */
  status(name: string, words: string, done: boolean): void {
    if (!done) this.#bad += 1;
    const at = this.#byName.get(name);
    if (at !== undefined) this.#shown[at] = { ...this.#shown[at]!, status: latin(words) };
  }

  #add(ref: ShownRef): void {
    this.#changed += 1;
    if (this.#shown.length < LIST_MAX) this.#shown.push(ref);
  }
}

/** Texts of packets are kept as Latin-1, byte by byte. */
export function latin(text: string): Shown {
  return shownBytes(Buffer.from(text, 'latin1'), PATH_MAX);
}
