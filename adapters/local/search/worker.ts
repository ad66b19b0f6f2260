/** The search's thread: whoever waits for the disk here keeps nobody else waiting. */
import { parentPort, workerData } from 'node:worker_threads';
import { asCustodyError } from '#core/errors.ts';
import { SearchDatabase } from './database.ts';
import { OPENING, plainError, type SearchAnswer, type SearchCall } from './messages.ts';

const port = parentPort!;
const say = (answer: SearchAnswer): void => port.postMessage(answer);

function opened(): SearchDatabase | undefined {
  try {
    const database = new SearchDatabase(workerData as string);
    say({ number: OPENING });
    return database;
  } catch (thrown) {
    say({ number: OPENING, error: plainError(asCustodyError(thrown)) });
    return undefined;
  }
}

function answer(database: SearchDatabase, { number, call, values }: SearchCall): void {
  try {
    // The pairs of names and values are those of SearchCall.
    const work = database[call].bind(database) as (...given: readonly unknown[]) => unknown;
    say({ number, value: work(...values) });
  } catch (thrown) {
    say({ number, error: plainError(asCustodyError(thrown)) });
  }
  if (call === 'close') port.close();
}

const database = opened();
if (database === undefined) port.close();
else port.on('message', (message: SearchCall) => answer(database, message));
