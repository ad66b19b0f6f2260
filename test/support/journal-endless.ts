/** Appends to a journal until it is killed, and tells of each entry once it is durable. */
import { openJournal } from '#adapters/local/journal.ts';
import { entry, SESSION_A } from './journal-entries.ts';

const journal = await openJournal(process.argv[2]!, 'task-1');
const length = 16_000;
for (let n = 0; ; n += 1) {
  await journal.append([entry(SESSION_A, 0, n * length, String(n).padStart(length, '.'))]);
  process.stdout.write(`${n}\n`);
}
