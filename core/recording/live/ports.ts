import type { JournalEntry } from '../ports.ts';

/** Journals of gateways that may be running: for who looks on, never for who seals. */
export interface JournalTails {
  /** Begins to read what the journal of `task` holds of `session`, from what is there first. */
  follow(task: string, session: string): JournalTail;
}

/** One reader's place in a journal. */
export interface JournalTail {
  /**
   * Entries of the session that were not given before, in the order in which they were written; a few at a time, none where there are
   * none now. It takes no lock, writes nothing and never waits for more: a torn record is given once it is whole, or never.
   * Entries of a segment that is in the store may be given, or left out; those of one that is not are never left out.
   */
  read(): Promise<readonly JournalEntry[]>;
  close(): Promise<void>;
}
