import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isWhole, peekRecord, RECORD_START_BYTES, RecordReader } from '#core/recording/journal-record.ts';
import type { JournalTail, JournalTails } from '#core/recording/live/ports.ts';
import type { JournalEntry } from '#core/recording/ports.ts';
import { JOURNAL_SUFFIX } from './journal.ts';

/** Entries of one answer hold about as much. */
const ENOUGH_BYTES = 1 << 20;

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

  /** Whole records of the session, from the place on; the place is then behind what was read. */
  async #entriesOf(place: Place): Promise<JournalEntry[]> {
    const entries: JournalEntry[] = [];
    const { size: end } = await place.handle.stat();
    for (let bytes = 0; bytes < ENOUGH_BYTES; ) {
      const start = await readAt(place, RECORD_START_BYTES);
      const record = start && peekRecord(start);
      if (record === undefined || place.at + record.size > end) break;
      if (record.session === undefined || record.session === this.#session) {
        const whole = await readAt(place, record.size);
        if (whole === undefined || !isWhole(whole)) break;
        entries.push(...place.records.read(whole));
        bytes += record.size;
      }
      place.at += record.size;
    }
    return entries;
  }
}

/** Undefined where the file has less. */
async function readAt({ handle, at }: Place, length: number): Promise<Buffer | undefined> {
  const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(length), 0, length, at);
  return bytesRead === length ? buffer : undefined;
}

function emptyIfGone(error: NodeJS.ErrnoException): string[] {
  if (error.code !== 'ENOENT') throw error;
  return [];
}
