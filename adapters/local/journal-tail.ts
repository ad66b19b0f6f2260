import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isWhole, peekRecord, RECORD_START_BYTES, RecordReader } from '#core/recording/journal-record.ts';
import type { JournalTail, JournalTails } from '#core/recording/live/ports.ts';
import type { JournalEntry } from '#core/recording/ports.ts';
import { JOURNAL_SUFFIX } from './journal.ts';

/** About as much is read at a time. */
const ENOUGH_BYTES = 1 << 20;
const NOTHING = Buffer.alloc(0);

/**
 * Journals in this folder, read while gateways write them. What is there a moment before the disk has it may be given: it is lost only
 * where the machine, and not the gateway alone, fails in that moment.
 */
export function localJournalTails(folder: string): JournalTails {
  return { follow: (task, session) => new LocalTail(folder, task, session) };
}

interface Place {
  readonly name: string;
  /** Stays readable when the gateway removes the file. */
  readonly handle: FileHandle;
  /** Knows the last manifest. */
  readonly records: RecordReader;
  at: number;
}

class LocalTail implements JournalTail {
  readonly #folder: string;
  readonly #task: string;
  readonly #session: string;
  #place: Place | undefined;

  constructor(folder: string, task: string, session: string) {
    this.#folder = folder;
    this.#task = task;
    this.#session = session;
  }

  async read(): Promise<readonly JournalEntry[]> {
    for (;;) {
      // Listed first: a file that has another behind it is complete.
      const next = await this.#nextFile();
      const entries = this.#place === undefined ? [] : await this.#entriesOf(this.#place);
      if (entries.length > 0 || next === undefined) return entries;
      await this.#goTo(next);
    }
  }

  async close(): Promise<void> {
    await this.#place?.handle.close();
    this.#place = undefined;
  }

  async #nextFile(): Promise<string | undefined> {
    const names = await readdir(this.#folder).catch(emptyIfGone);
    const after = this.#place?.name ?? '';
    const own = names.filter((name) => name.startsWith(`${this.#task}-`) && name.endsWith(JOURNAL_SUFFIX));
    return own.sort().find((name) => name > after);
  }

  async #goTo(name: string): Promise<void> {
    const handle = await open(join(this.#folder, name), 'r').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      return undefined;
    });
    // It was removed since: all of it is in the store, and the next look finds what is there now.
    if (handle === undefined) return;
    await this.close();
    this.#place = { name, handle, records: new RecordReader(), at: 0 };
  }

  /** Entries of the session, from the place on; the place is then behind the records that were read. */
  async #entriesOf(place: Place): Promise<JournalEntry[]> {
    for (;;) {
      const { entries, bytes } = wholeRecords(await pieceAt(place), place.records);
      place.at += bytes;
      const own = entries.filter(({ session }) => session === this.#session);
      if (own.length > 0 || bytes === 0) return own;
    }
  }
}

/** The record that begins at the place, and some of what is behind it; nothing where none begins, or it is not whole. */
async function pieceAt(place: Place): Promise<Buffer> {
  const first = sizeOf(await readAt(place, RECORD_START_BYTES));
  if (first === undefined) return NOTHING;
  const { size: end } = await place.handle.stat();
  if (place.at + first > end) return NOTHING;
  return readAt(place, Math.max(first, ENOUGH_BYTES));
}

/**
 * Each is looked at whole, also those of others: where zeros were, the beginning of a record can be read a moment before the rest of it
 * is there, and what it says of its length is then anything.
 */
function wholeRecords(piece: Buffer, records: RecordReader): { entries: JournalEntry[]; bytes: number } {
  const entries: JournalEntry[] = [];
  for (let at = 0; ; ) {
    const end = at + (sizeOf(piece.subarray(at)) ?? piece.byteLength + 1);
    if (end > piece.byteLength || !isWhole(piece.subarray(at, end))) return { entries, bytes: at };
    entries.push(...records.read(piece.subarray(at, end)));
    at = end;
  }
}

/** What the record that begins here says; undefined where none does. */
function sizeOf(start: Buffer): number | undefined {
  return start.byteLength < RECORD_START_BYTES ? undefined : peekRecord(start)?.size;
}

/** Less where the file has less. */
async function readAt({ handle, at }: Place, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(length), 0, length, at);
  return buffer.subarray(0, bytesRead);
}

function emptyIfGone(error: NodeJS.ErrnoException): string[] {
  if (error.code !== 'ENOENT') throw error;
  return [];
}
