/** Appends three entries to a journal in a process of its own, where a limit makes the middle one fail. */
import { openJournal } from '#adapters/local/journal.ts';
import { entry, SESSION_A, SESSION_B } from './journal-entries.ts';

const journal = await openJournal(process.argv[2]!, 'task-1');
for (const appended of [
  entry(SESSION_A, 0, 0, 'kept'),
  entry(SESSION_B, 0, 0, `lost${'.'.repeat(20_000)}`),
  entry(SESSION_A, 0, 4, ' too'),
]) {
  const name = Buffer.from(appended.block).toString().slice(0, 4);
  const outcome = await journal.append([appended]).then(
    () => 'stored',
    (error: NodeJS.ErrnoException) => error.code,
  );
  process.stdout.write(`${name}: ${outcome}\n`);
}
