import { CustodyError } from '#core/errors.ts';
import { ScimDesk } from '#core/identity/scim/desk.ts';
import type {
  Entry,
  Kind,
  Mark,
  Page,
  ScimDirectory,
  ScimMarks,
  ScimOutbox,
  Write,
} from '#core/identity/scim/store.ts';
import type { ScimHandlerPorts } from '#lambdas/scim/handler.ts';

/** Directories in memory; as strict as DynamoDB, of which one write never has the same item twice. */
export class MemoryScim implements ScimDirectory, ScimOutbox, ScimMarks {
  readonly #entries = new Map<string, Entry>();
  readonly #marks = new Map<string, Mark>();
  readonly #owed = new Map<string, Uint8Array>();
  readonly #changes = new Map<Kind, number>();

  async get<K extends Kind>(directory: string, kind: K, id: string): Promise<Entry<K> | undefined> {
    // A key of DynamoDB has 1 to 1024 bytes; with any other it refuses to look.
    if (id === '' || Buffer.byteLength(id) > 1_024) throw new Error('no key');
    return this.#entries.get(key(directory, kind, id)) as Entry<K> | undefined;
  }

  async find<K extends Kind>(directory: string, kind: K, name: string): Promise<Entry<K> | undefined> {
    return this.#all(directory, kind).find(({ names }) => names.includes(name)) as Entry<K> | undefined;
  }

  async page(directory: string, kind: Kind, from: number, count: number): Promise<Page> {
    const all = this.#all(directory, kind).toSorted((a, b) => (a.id < b.id ? -1 : 1));
    return { total: all.length, entries: all.slice(from, from + count) };
  }

  async write({ before, after, marked, unmarked, owed }: Write): Promise<void> {
    const { directory, kind, id } = (after ?? before)!;
    const at = key(directory, kind, id);
    const marks = [...marked, ...unmarked].map((mark) => key(mark.directory, mark.externalId));
    for (const items of [marks, after?.names ?? [], owed.map((leaf) => Buffer.from(leaf).toString())])
      if (new Set(items).size < items.length)
        throw new Error(`one item twice in a write: ${items.join(' ')}`);
    if (this.#entries.get(at)?.version !== before?.version)
      throw new CustodyError('conflict', 'changed meanwhile');
    const others = this.#all(directory, kind).filter((entry) => entry.id !== id);
    if (after?.names.some((name) => others.some(({ names }) => names.includes(name))) === true)
      throw new CustodyError('already-exists', 'taken');
    if (after === undefined) this.#entries.delete(at);
    else this.#entries.set(at, structuredClone(after));
    for (const mark of unmarked) this.#marks.delete(key(mark.directory, mark.externalId));
    for (const mark of marked) this.#marks.set(key(mark.directory, mark.externalId), mark);
    for (const leaf of owed) this.#owed.set(Buffer.from(leaf).toString(), leaf);
    this.#changes.set(kind, (this.#changes.get(kind) ?? 0) + 1);
  }

  async owed(limit: number): Promise<readonly Uint8Array[]> {
    return [...this.#owed.values()].slice(0, limit);
  }

  async paid(leaves: readonly Uint8Array[]): Promise<void> {
    for (const leaf of leaves) this.#owed.delete(Buffer.from(leaf).toString());
  }

  async changes(kind: Kind): Promise<number> {
    return this.#changes.get(kind) ?? 0;
  }

  async marks(): Promise<readonly Mark[]> {
    return [...this.#marks.values()];
  }

  #all(directory: string, kind: Kind): Entry[] {
    return [...this.#entries.values()].filter(
      (entry) => entry.directory === directory && entry.kind === kind,
    );
  }
}

function key(...parts: readonly string[]): string {
  return JSON.stringify(parts);
}

/** For an API that no directory calls. */
export function noDirectory(): Pick<ScimHandlerPorts, 'desk' | 'secretOf'> {
  const desk = new ScimDesk({
    store: new MemoryScim(),
    leaves: { add: async () => undefined },
    now: () => new Date(0),
    newId: () => 'none',
  });
  return { desk, secretOf: async () => 'nobody knows this one' };
}
