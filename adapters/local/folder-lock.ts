import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CustodyError } from '#core/errors.ts';

/**
 * Makes sure that one gateway at a time uses a data folder. The lock is SQLite's on a file of its own: the kernel lets
 * go of it when the process dies, however it dies. Throws `state-damaged` when another process holds it.
 */
export function lockFolder(folder: string): { release(): void } {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(join(folder, 'gateway.lock'));
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (cause) {
    database.close();
    throw new CustodyError('state-damaged', `the data folder ${folder} is in use by another gateway`, {
      hint: 'stop the other one, or choose another folder with --data-dir',
      cause,
    });
  }
  return { release: () => database.close() };
}
