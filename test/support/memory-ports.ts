import { generateKeyPairSync, sign } from 'node:crypto';
import { CustodyError } from '#core/errors.ts';
import type { LeafSink } from '#core/ledger/leaves.ts';
import type {
  Journal,
  JournalEntry,
  JournalRemains,
  RecordingSink,
  RecordingSource,
  Signer,
} from '#core/recording/ports.ts';
import type {
  SessionCatalog,
  SessionIndex,
  SessionOutcome,
  SessionPage,
  SessionQuery,
  SessionRecord,
} from '#core/recording/session-index.ts';
import { takePage } from '#core/recording/session-page.ts';
import { remainsOfEntries } from './remains.ts';

/** Leaves on their way into the ledger, as text. */
export class MemoryLeaves implements LeafSink {
  readonly added = new Set<string>();

  async add(leaf: Uint8Array): Promise<void> {
    this.added.add(Buffer.from(leaf).toString());
  }
}

/** A store in memory: put-once, listable. */
export class MemoryStore implements RecordingSink, RecordingSource {
  readonly objects = new Map<string, Uint8Array>();

  async put(key: string, bytes: Uint8Array): Promise<void> {
    if (
      !/^[a-z0-9][a-z0-9._/-]*$/.test(key) ||
      key.includes('..') ||
      key.includes('//') ||
      key.includes('/.')
    ) {
      throw new CustodyError('internal', 'bad object key');
    }
    if (this.objects.has(key)) throw new CustodyError('already-exists', 'the object exists already');
    this.objects.set(key, Uint8Array.from(bytes));
  }

  async get(key: string, atMost = Number.POSITIVE_INFINITY): Promise<Uint8Array> {
    if (
      !/^[a-z0-9][a-z0-9._/-]*$/.test(key) ||
      key.includes('..') ||
      key.includes('//') ||
      key.includes('/.')
    ) {
      throw new CustodyError('internal', 'bad object key');
    }
    const bytes = this.objects.get(key);
    if (bytes === undefined) throw new CustodyError('not-found', 'no such object');
    if (bytes.byteLength > atMost)
      throw new CustodyError('format-invalid', `${key} has ${bytes.byteLength} bytes, more than ${atMost}`);
    return bytes;
  }

  async size(key: string): Promise<number> {
    return (await this.get(key)).byteLength;
  }

  async sizes(prefix: string): Promise<ReadonlyMap<string, number>> {
    const names = await this.list(prefix);
    return new Map(names.map((name) => [name, this.objects.get(prefix + name)?.byteLength ?? -1]));
  }

  async list(prefix: string): Promise<readonly string[]> {
    const names = [...this.objects.keys()].filter((key) => key.startsWith(prefix));
    return [...new Set(names.map((key) => key.slice(prefix.length).split('/')[0]!))].sort();
  }

  /** One session's objects, as an evidence folder with the signer's key. */
  evidence(
    session: string,
    signerPem: string,
  ): { list(): Promise<string[]>; get(name: string): Promise<Uint8Array> } {
    return {
      list: async () => [...(await this.list(`sessions/${session}/`)), 'signer.pem'],
      get: async (name) =>
        name === 'signer.pem' ? Buffer.from(signerPem) : this.get(`sessions/${session}/${name}`),
    };
  }
}

/** A signer whose key lives in memory. */
export function memorySigner(): Signer & { readonly der: Uint8Array; readonly pem: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const der = publicKey.export({ type: 'spki', format: 'der' });
  return {
    der,
    pem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    sign: async (message) => sign('sha256', message, privateKey),
    publicKey: async () => der,
  };
}

/** A journal that remembers what it was given and can be told to fail. */
export class MemoryJournal implements Journal {
  readonly entries: JournalEntry[] = [];
  readonly released: string[] = [];
  failing: Error | undefined;

  async append(entries: readonly JournalEntry[]): Promise<void> {
    if (this.failing !== undefined) throw this.failing;
    this.entries.push(...entries.map((entry) => ({ ...entry, block: Uint8Array.from(entry.block) })));
  }

  release(session: string, segment: number): void {
    this.released.push(`${session}/${segment}`);
  }

  /** What a sealer finds: also entries of segments that were released. */
  remains(): JournalRemains {
    return remainsOfEntries(() => this.entries);
  }
}

/** An index in memory. */
export class MemoryIndex implements SessionIndex, SessionCatalog {
  readonly records = new Map<string, SessionRecord>();
  /** How many sessions a page looks at, at most. */
  examineMax = 5_000;

  async opened(record: Omit<SessionRecord, 'state' | 'outcome'>): Promise<void> {
    if (this.records.has(record.id)) throw new CustodyError('already-exists', 'the session exists already');
    this.records.set(record.id, { ...record, state: 'open' });
  }

  async closed(id: string, outcome: SessionOutcome): Promise<void> {
    const record = this.records.get(id);
    if (record === undefined) throw new CustodyError('not-found', 'no such session');
    if (record.outcome !== undefined) return;
    this.records.set(id, { ...record, state: outcome.recovered ? 'recovered' : 'closed', outcome });
  }

  async unsealed(): Promise<readonly SessionRecord[]> {
    return this.#newestFirst()
      .filter(({ outcome }) => outcome === undefined)
      .reverse();
  }

  async get(id: string): Promise<SessionRecord> {
    const record = this.records.get(id);
    if (record === undefined) throw new CustodyError('not-found', 'no such session');
    return record;
  }

  async list(query: SessionQuery): Promise<SessionPage> {
    const { cursor, from = '' } = query;
    const found = this.#newestFirst().filter(({ id }) => id >= from && (cursor === undefined || id < cursor));
    return takePage(found, query, this.examineMax);
  }

  #newestFirst(): SessionRecord[] {
    return [...this.records.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
  }
}
