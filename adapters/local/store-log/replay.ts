import { CustodyError } from '#core/errors.ts';
import { checkKey } from '../object-key.ts';
import { dropLog, loggedObjects, readLogs } from './files.ts';
import { type MakeDurable, makeDurable } from './make-durable.ts';
import { placeObject, replaceTorn } from './place.ts';
import { keysOfLeaf, type LogRecord } from './record.ts';
import { findObject } from './unwritten.ts';

/** Takes what a log holds of lists and queues: what is there already is left as it is. */
export type TakeLogged = (record: LogRecord) => Promise<void>;

export interface ReplayPlace {
  /** The store's folder. */
  readonly root: string;
  /** Whose logs; all of them where it is not given. They write no more. */
  readonly task?: string;
  readonly take: TakeLogged;
  readonly makeDurable?: MakeDurable;
}

/**
 * Puts in its place what logs still hold, and forgets them: before anything of the store is read, as it may have less. What is
 * missing or torn is written again, and what is whole stays. Something else is never replaced: resolves with its keys, each time
 * until somebody has looked into it, as the log stays then. Safe to repeat, and to die in.
 */
export async function replayLogs({
  root,
  task = '',
  take,
  makeDurable: durably = makeDurable,
}: ReplayPlace): Promise<readonly string[]> {
  const conflicts: string[] = [];
  const done: string[] = [];
  const keys = new Set<string>();
  for await (const { path, records } of readLogs(root, task)) {
    const before = conflicts.length;
    const whole = new Set<string>();
    for (const [key, bytes] of loggedObjects(records)) {
      keys.add(key);
      if (await putBack(root, checkKey(key), bytes)) whole.add(key);
      else conflicts.push(key);
    }
    for (const record of records) if (counts(record, whole)) await take(record);
    if (conflicts.length === before) done.push(path);
  }
  if (done.length > 0) await durably(root, keys);
  for (const path of done) await dropLog(path);
  return conflicts;
}

/** What is said of an object that is another than the log's. */
export function isAnother(key: string): CustodyError {
  return new CustodyError('state-damaged', `${key} is not what this gateway stored`, {
    hint: 'somebody wrote to the store; keep it as it is and look into it',
  });
}

/** False where something else is there. */
async function putBack(root: string, key: string, bytes: Uint8Array): Promise<boolean> {
  switch (await findObject(root, key, bytes)) {
    case 'whole':
      return true;
    case 'missing':
      placeObject(root, key, bytes);
      return true;
    case 'torn':
      replaceTorn(root, key, bytes);
      return true;
    case 'other':
      return false;
  }
}

/** `whole`: objects of its file that are stored. A leaf stands behind those that it names. */
function counts(record: LogRecord, whole: ReadonlySet<string>): boolean {
  switch (record.kind) {
    case 'listed':
    case 'ended':
      return true;
    case 'leaf':
      return keysOfLeaf(record).every((key) => whole.has(key));
    case 'object':
    case 'withdrawn':
      return false;
  }
}
