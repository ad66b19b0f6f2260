import { createReadStream, fdatasyncSync, writeSync } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeEntries, RecordReader } from '#core/recording/journal-record.ts';
import type { Journal, JournalEntry, JournalRemains } from '#core/recording/ports.ts';

/** A journal file is a run of records (core/recording/journal-record.ts). */
const FILE_BYTES = 64 << 20;
const QUIET_FILE_BYTES = 1 << 20;
const SMALL_BYTES = 64 << 10;
/** What is read of a file at a time. */
const PIECE_BYTES = 1 << 20;
export const JOURNAL_SUFFIX = '.journal';

interface JournalFile {
  readonly path: string;
  readonly handle: FileHandle;
  size: number;
  /** Segments that have entries here and are not in the store yet. */
  readonly held: Set<string>;
}

/** A journal in a folder, one run of files for each gateway task. `append` must not be called concurrently. */
export async function openJournal(
  folder: string,
  task: string,
): Promise<Journal & { close(): Promise<void> }> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const journal = new LocalJournal(folder, task);
  await journal.rotate();
  return journal;
}

class LocalJournal implements Journal {
  readonly #folder: string;
  readonly #task: string;
  #next = 0;
  #current: JournalFile | undefined;
  #older: JournalFile[] = [];
  #dropping: Promise<void> = Promise.resolve();

  constructor(folder: string, task: string) {
    this.#folder = folder;
    this.#task = task;
  }

  async append(entries: readonly JournalEntry[]): Promise<void> {
    const file = await this.#writable();
    const bytes = encodeEntries(entries);
    for (const entry of entries) file.held.add(heldKey(entry.session, entry.segment));
    try {
      await appendDurably(file.handle, bytes);
    } catch (error) {
      // A torn record would hide what is appended behind it: nothing more goes into this file.
      this.#retire();
      throw error;
    }
    file.size += bytes.byteLength;
  }

  release(session: string, segment: number): void {
    const key = heldKey(session, segment);
    this.#current?.held.delete(key);
    for (const file of this.#older) file.held.delete(key);
    this.#dropping = this.#dropping.then(() => this.#dropEmpty());
  }

  async rotate(): Promise<void> {
    this.#retire();
    const name = `${this.#task}-${String(this.#next++).padStart(6, '0')}${JOURNAL_SUFFIX}`;
    const path = join(this.#folder, name);
    const handle = await open(path, 'ax', 0o600);
    await syncFolder(this.#folder);
    this.#current = { path, handle, size: 0, held: new Set() };
  }

  async close(): Promise<void> {
    this.#retire();
    await this.#dropping;
    await this.#dropEmpty();
    await Promise.all(this.#older.map((file) => file.handle.close()));
    this.#older = [];
  }

  async #writable(): Promise<JournalFile> {
    const full = this.#current === undefined || this.#current.size > FILE_BYTES;
    const quiet = this.#current?.held.size === 0 && this.#current.size > QUIET_FILE_BYTES;
    if (full || quiet) await this.rotate();
    return this.#current!;
  }

  #retire(): void {
    if (this.#current !== undefined) this.#older.push(this.#current);
    this.#current = undefined;
  }

  /** A file that cannot be removed now is only read again at the next start, where its sessions are sealed already. */
  async #dropEmpty(): Promise<void> {
    const empty = this.#older.filter((file) => file.held.size === 0);
    this.#older = this.#older.filter((file) => file.held.size > 0);
    for (const file of empty) {
      await file.handle.close().catch(() => undefined);
      await unlink(file.path).catch(() => undefined);
    }
  }
}

/** As in the directory store: small writes synchronously, as rounds through the thread pool cost more than they do. */
async function appendDurably(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  if (bytes.byteLength > SMALL_BYTES) {
    await handle.appendFile(bytes);
    return handle.datasync();
  }
  for (let written = 0; written < bytes.byteLength; ) written += writeSync(handle.fd, bytes, written);
  fdatasyncSync(handle.fd);
}

function heldKey(session: string, segment: number): string {
  return `${session}/${segment}`;
}

/** What earlier tasks left in the folder, or one of them: tasks that can write here no more. */
export function journalRemains(folder: string, task?: string): JournalRemains {
  return {
    read: async (take) => {
      for (const name of await journalFiles(folder, task)) {
        for await (const entry of entriesOf(join(folder, name))) await take(entry);
      }
    },
    clear: async (keep = new Set()) => {
      for (const name of await journalFiles(folder, task)) {
        const path = join(folder, name);
        if (keep.size === 0 || !(await holdsAny(path, keep))) await rm(path, { force: true });
      }
    },
  };
}

async function holdsAny(path: string, sessions: ReadonlySet<string>): Promise<boolean> {
  for await (const { session } of entriesOf(path)) if (sessions.has(session)) return true;
  return false;
}

/** A piece of a file after the other. Another sealer may have finished with it: then there is none. */
async function* entriesOf(path: string): AsyncGenerator<JournalEntry, void, undefined> {
  const records = new RecordReader();
  const pieces: AsyncIterable<Buffer> = createReadStream(path, { highWaterMark: PIECE_BYTES });
  try {
    for await (const piece of pieces) yield* records.read(piece);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

async function journalFiles(folder: string, task = ''): Promise<string[]> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const names = await readdir(folder);
  return names.filter((name) => name.startsWith(task) && name.endsWith(JOURNAL_SUFFIX)).sort();
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
