import type { JournalTails } from '#core/recording/live/ports.ts';
import type { MemoryJournal } from './memory-ports.ts';

/** What a journal in memory was given, one entry a read. */
export function memoryTails(journal: Pick<MemoryJournal, 'entries'>): JournalTails {
  return {
    follow: (_task, session) => {
      let at = 0;
      return {
        read: async () => {
          while (at < journal.entries.length) {
            const entry = journal.entries[at++]!;
            if (entry.session === session) return [entry];
          }
          return [];
        },
        close: async () => undefined,
      };
    },
  };
}
