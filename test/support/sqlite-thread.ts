/** A thread that opens a SQLite file when it is told to, and says what came of it: `opened`, or the error. */
import { parentPort } from 'node:worker_threads';
import { openShared } from '#adapters/local/sqlite.ts';

parentPort!.on('message', (file: string) => parentPort!.postMessage(tryOpen(file)));
parentPort!.postMessage('ready');

function tryOpen(file: string): string {
  try {
    openShared(file, 'log', (database) => database.exec('CREATE TABLE IF NOT EXISTS t (a TEXT)')).close();
    return 'opened';
  } catch (thrown) {
    return String(thrown);
  }
}
