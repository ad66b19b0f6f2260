import { asCustodyError, CustodyError } from '../../errors.ts';
import type { LeafSink } from '../../ledger/leaves.ts';
import type { Term } from './filter.ts';
import type { DirectoryGroup } from './group.ts';
import { groupLeaves } from './group-leaves.ts';
import { kindOf, nameFor, type ResourceOf } from './kinds.ts';
import { type Directory, type Meaning, meaningFor } from './meaning.ts';
import type { Change } from './patch.ts';
import { scimRefusal } from './refusal.ts';
import type { Entry, Kind, Page, ScimDirectory, ScimMarks, ScimOutbox } from './store.ts';
import type { DirectoryUser } from './user.ts';

export interface ScimPorts {
  readonly store: ScimDirectory & ScimOutbox & ScimMarks;
  readonly leaves: LeafSink;
  readonly now: () => Date;
  /** A new UUID. */
  readonly newId: (now: Date) => string;
}

/** Directories send changes of one group at once. One of each round gets through, so this many can be in a row. */
const TRIES = 500;
const PAID_AT_ONCE = 100;
const NAMED_AT_ONCE = 50;
const ID = /^[0-9a-f-]{1,36}$/;
/** Members whose longest names fit into the leaves of one write. */
const LEAVE_AT_ONCE = 200;

/** Where directories change what is known of people: each change is durable, and its leaf in the ledger's queue, before it is answered. */
export class ScimDesk {
  readonly #ports: ScimPorts;

  constructor(ports: ScimPorts) {
    this.#ports = ports;
  }

  /** Throws a refusal; `uniqueness` when another has one of its names. */
  async create<K extends Kind>(directory: Directory, kind: K, body: unknown): Promise<Entry<K>> {
    const { now, newId } = this.#ports;
    const at = now();
    const resource = kindOf(kind).from(body);
    return this.#write(directory, kind, newId(at), undefined, resource);
  }

  /** Rejects with `not-found`. */
  async get<K extends Kind>(directory: Directory, kind: K, id: string): Promise<Entry<K>> {
    const entry = await this.#at(directory, kind, id);
    if (entry !== undefined) return entry;
    throw new CustodyError('not-found', `there is no such ${kind}`);
  }

  /** PUT: all that is kept of it becomes what the body says. */
  replace<K extends Kind>(directory: Directory, kind: K, id: string, body: unknown): Promise<Entry<K>> {
    return this.#change(directory, kind, id, (before) => kindOf(kind).from(body, before));
  }

  patch<K extends Kind>(
    directory: Directory,
    kind: K,
    id: string,
    changes: readonly Change[],
  ): Promise<Entry<K>> {
    return this.#change(directory, kind, id, (before) => kindOf(kind).patched(before, changes));
  }

  async remove(directory: Directory, kind: Kind, id: string): Promise<void> {
    await this.#retried(async () => {
      const before = await this.#emptied(directory, await this.get(directory, kind, id));
      await this.#store(directory, before, undefined);
    });
  }

  /** A group that counts is left by so many that one write can tell of them, until the last of them go with it. */
  async #emptied(directory: Directory, entry: Entry): Promise<Entry> {
    const { kind, id, resource } = entry;
    if (!directory.groupsCount || !('members' in resource)) return entry;
    const members = resource.members.slice(LEAVE_AT_ONCE);
    if (members.length === 0) return entry;
    const left = await this.#write(directory, kind, id, entry, { ...resource, members });
    return this.#emptied(directory, left);
  }

  /** Those for which all terms hold; one of the terms has to be one by which an index finds. `from` counts from 0. */
  async list(
    directory: Directory,
    kind: Kind,
    terms: readonly Term[],
    from: number,
    count: number,
  ): Promise<Page> {
    const { store } = this.#ports;
    if (terms.length === 0) return store.page(directory.name, kind, from, count);
    const found = await this.#found(directory, kind, terms);
    const entries = found === undefined ? [] : [found];
    return { total: entries.length, entries: entries.slice(from, from + count) };
  }

  /** Enters what somebody owes who died. Returns how much that was. */
  async payAll(): Promise<number> {
    const owed = await this.#ports.store.owed(PAID_AT_ONCE);
    await this.#pay(owed);
    return owed.length;
  }

  /** An index finds by the first term; the others are looked at in what it finds. */
  async #found(directory: Directory, kind: Kind, terms: readonly Term[]): Promise<Entry | undefined> {
    const names = terms.map((term) => indexedBy(kind, term));
    const name = names.find((one) => one !== undefined);
    const unknown = terms.find((term, i) => names[i] === undefined && !isLookedAt(kind, term));
    if (unknown !== undefined || name === undefined) throw cannotFind(kind, unknown ?? terms[0]!);
    const entry = name.startsWith('id:')
      ? await this.#at(directory, kind, name.slice(3))
      : await this.#ports.store.find(directory.name, kind, name);
    const fits = (term: Term, i: number): boolean => holds(entry!, term, names[i]);
    return entry !== undefined && terms.every(fits) ? entry : undefined;
  }

  /** Stores are asked only for what may be an id: not all of them take any text. */
  async #at<K extends Kind>(directory: Directory, kind: K, id: string): Promise<Entry<K> | undefined> {
    return ID.test(id) ? this.#ports.store.get(directory.name, kind, id) : undefined;
  }

  #change<K extends Kind>(
    directory: Directory,
    kind: K,
    id: string,
    changed: (before: ResourceOf<K>) => ResourceOf<K>,
  ): Promise<Entry<K>> {
    return this.#retried(async () => {
      const before = await this.get(directory, kind, id);
      const resource = changed(before.resource);
      if (JSON.stringify(resource) === JSON.stringify(before.resource)) return before;
      return this.#write(directory, kind, id, before, resource);
    });
  }

  async #write<K extends Kind>(
    directory: Directory,
    kind: K,
    id: string,
    before: Entry<K> | undefined,
    resource: ResourceOf<K>,
  ): Promise<Entry<K>> {
    const at = this.#ports.now().toISOString();
    const after = {
      ...{ directory: directory.name, kind, id, resource },
      version: (before?.version ?? 0) + 1,
      createdAt: before?.createdAt ?? at,
      changedAt: at,
      names: kindOf(kind).names(resource),
    } as Entry<K>;
    await this.#store(directory, before, after);
    return after;
  }

  async #store(directory: Directory, before: Entry | undefined, after: Entry | undefined): Promise<void> {
    const meaning = await this.#meaning(directory, before, after);
    try {
      await this.#ports.store.write({ before, after, ...meaning });
    } catch (thrown) {
      if (asCustodyError(thrown).code !== 'already-exists') throw thrown;
      throw scimRefusal('uniqueness', 'another has this name already');
    }
    await this.#pay(meaning.owed);
  }

  async #meaning(
    directory: Directory,
    before: Entry | undefined,
    after: Entry | undefined,
  ): Promise<Meaning> {
    const at = this.#ports.now().toISOString();
    const [was, is] = [before?.resource, after?.resource];
    if ((after ?? before)?.kind === 'User') {
      const marks = await this.#ports.store.marks();
      return meaningFor(directory, was as DirectoryUser, is as DirectoryUser, marks, at);
    }
    const naming = (ids: readonly string[]) => this.#named(directory, ids);
    const owed = await groupLeaves(directory, was as DirectoryGroup, is as DirectoryGroup, naming, at);
    return { marked: [], unmarked: [], owed };
  }

  /** By their externalIds; a user that is not there any more by the id that it had. */
  async #named(directory: Directory, ids: readonly string[]): Promise<readonly string[]> {
    const names: string[] = [];
    for (let at = 0; at < ids.length; at += NAMED_AT_ONCE) {
      const some = ids.slice(at, at + NAMED_AT_ONCE);
      const users = await Promise.all(some.map((id) => this.#ports.store.get(directory.name, 'User', id)));
      names.push(...users.map((user, i) => user?.resource.externalId ?? some[i]!));
    }
    return names;
  }

  async #pay(leaves: readonly Uint8Array[]): Promise<void> {
    for (const leaf of leaves) await this.#ports.leaves.add(leaf);
    if (leaves.length > 0) await this.#ports.store.paid(leaves);
  }

  /** Of two changes at once, one sees what the other did. */
  async #retried<T>(work: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await work();
      } catch (thrown) {
        if (asCustodyError(thrown).code !== 'conflict' || tries === TRIES) throw thrown;
      }
    }
  }
}

function indexedBy(kind: Kind, { attribute, value }: Term): string | undefined {
  return attribute === 'id' && typeof value === 'string' ? `id:${value}` : nameFor(kind, attribute, value);
}

/** Entra asks whether a group that it names has a member. */
const MEMBERS = ['members', 'members.value'];

function isLookedAt(kind: Kind, { attribute }: Term): boolean {
  return kind === 'Group' ? MEMBERS.includes(attribute) : attribute === 'active';
}

function holds(entry: Entry, { value }: Term, name: string | undefined): boolean {
  if (name !== undefined) return name === `id:${entry.id}` || entry.names.includes(name);
  const { resource } = entry;
  return 'members' in resource
    ? resource.members.some((member) => member === value)
    : resource.active === value;
}

function cannotFind(kind: Kind, { attribute }: Term): CustodyError {
  const by = ['id', ...Object.keys(kindOf(kind).keys)].join(', ');
  return scimRefusal('invalidFilter', `${kind}s cannot be found by ${attribute}: only by ${by}`);
}
