import { createReadStream } from 'node:fs';
import { mkdir, readdir, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeEntries, RecordReader } from '#core/recording/journal-record.ts';
import type { Journal, JournalEntry, JournalRemains } from '#core/recording/ports.ts';
import { type JournalDisk, journalDisk } from './journal-disk.ts';
import { JournalFile, ROOM_SIZES, type RoomSizes } from './journal-file.ts';

/** A journal file is a run of records (core/recording/journal-record.ts), and zeros behind it. In bytes: */
export interface JournalSizes extends RoomSizes {
  /** A file that is longer is left. */
  readonly file: number;
  /** So is one that is longer than this, and of which nothing is needed; before more room is made in it. */
  readonly quiet: number;
}

const SIZES: JournalSizes = { ...ROOM_SIZES, file: 64 << 20, quiet: ROOM_SIZES.low };
/** What is read of a file at a time. */
const PIECE_BYTES = 1 << 20;
export const JOURNAL_SUFFIX = '.journal';

/** A file, and the segments that have entries in it and are not in the store yet. */
interface Filled {
  readonly file: JournalFile;
  readonly held: Set<string>;
}

/** What a test may give it instead. */
export interface JournalTools {
  readonly disk?: JournalDisk;
  readonly sizes?: JournalSizes;
}

/** A journal in a folder, one run of files for each gateway task. `append` must not be called concurrently. */
export async function openJournal(
  folder: string,
  task: string,
  { disk = journalDisk, sizes = SIZES }: JournalTools = {},
): Promise<Journal & { close(): Promise<void> }> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const journal = new LocalJournal(folder, task, { disk, sizes });
  await journal.begin();
  return journal;
}

class LocalJournal implements Journal {
  readonly #folder: string;
  readonly #task: string;
  readonly #tools: Required<JournalTools>;
  #next = 0;
  #current: Filled | undefined;
  #older: Filled[] = [];
  /** What became of old files, one thing after the other. */
  #dropping: Promise<void> = Promise.resolve();

  constructor(folder: string, task: string, tools: Required<JournalTools>) {
    this.#folder = folder;
    this.#task = task;
    this.#tools = tools;
  }

  /** There is time before the first record comes: room is made for it at once. */
  async begin(): Promise<void> {
    const { file } = await this.#rotate();
    file.makeRoom();
  }

  async append(entries: readonly JournalEntry[]): Promise<void> {
    const { file, held } = this.#writable() ?? (await this.#rotate());
    for (const entry of entries) held.add(heldKey(entry.session, entry.segment));
    try {
      await file.append([encodeEntries(entries)]);
    } catch (error) {
      // A torn record would hide what is appended behind it: nothing more goes into this file.
      this.#retire();
      throw error;
    }
  }

  release(session: string, segment: number): void {
    const key = heldKey(session, segment);
    this.#current?.held.delete(key);
    for (const { held } of this.#older) held.delete(key);
    this.#dropping = this.#dropping.then(() => this.#dropEmpty());
  }

  async close(): Promise<void> {
    this.#retire();
    await this.#dropping;
    await this.#dropEmpty();
    this.#older = [];
  }

  #writable(): Filled | undefined {
    if (this.#current === undefined) return undefined;
    const { file, held } = this.#current;
    const { sizes } = this.#tools;
    const isFull = file.size > sizes.file || (held.size === 0 && file.size > sizes.quiet);
    return isFull || file.isDoubtful ? undefined : this.#current;
  }

  async #rotate(): Promise<Filled> {
    // Behind one that could not make room, another does without.
    const makesRoom = this.#current?.file.isDoubtful !== true;
    this.#retire();
    const name = `${this.#task}-${String(this.#next++).padStart(6, '0')}${JOURNAL_SUFFIX}`;
    const file = await JournalFile.create(join(this.#folder, name), { ...this.#tools, makesRoom });
    this.#current = { file, held: new Set() };
    return this.#current;
  }

  #retire(): void {
    const current = this.#current;
    if (current === undefined) return;
    this.#older.push(current);
    this.#current = undefined;
    this.#dropping = this.#dropping.then(() => current.file.finish());
  }

  /** A file that cannot be removed now is only read again at the next start, where its sessions are sealed already. */
  async #dropEmpty(): Promise<void> {
    const empty = this.#older.filter(({ held }) => held.size === 0);
    this.#older = this.#older.filter(({ held }) => held.size > 0);
    for (const { file } of empty) await unlink(file.path).catch(() => undefined);
  }
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
