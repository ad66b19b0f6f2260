/** What a gateway writes to on a laptop: a store, the list of sessions and the ledger's queue that share one log. */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { asCustodyError } from '#core/errors.ts';
import type { LeafQueue } from '#core/ledger/ports.ts';
import { ORDERED_MAX_BYTES, type RecordingSink, type RecordingSource } from '#core/recording/ports.ts';
import type { SessionIndex } from '#core/recording/session-index.ts';
import { checkKey } from '../object-key.ts';
import type { StoreLog } from './log.ts';
import { placeObject, taken } from './place.ts';

/** `store`: where what is larger goes, durably at once, and what is read. */
export function loggedStore(
  root: string,
  store: RecordingSink & RecordingSource,
  log: StoreLog,
): RecordingSink & RecordingSource {
  const logged = new LoggedPuts(root, log);
  return {
    ...store,
    keepsOrder: true,
    put: async (key, bytes, retention) => {
      if (bytes.byteLength > ORDERED_MAX_BYTES) return store.put(key, bytes, retention);
      return logged.put(checkKey(key), bytes);
    },
  };
}

class LoggedPuts {
  readonly #root: string;
  readonly #log: StoreLog;
  /** Names that somebody is about to take. */
  readonly #pending = new Map<string, Promise<void>>();

  constructor(root: string, log: StoreLog) {
    this.#root = root;
    this.#log = log;
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    for (let before = this.#pending.get(key); before !== undefined; before = this.#pending.get(key))
      await before.catch(() => undefined);
    const put = this.#put(key, bytes).finally(() => this.#pending.delete(key));
    this.#pending.set(key, put);
    return put;
  }

  /** Between the look and the place another process may take the name: then the record is withdrawn. */
  async #put(key: string, bytes: Uint8Array): Promise<void> {
    if (lstatSync(join(this.#root, key), { throwIfNoEntry: false }) !== undefined) throw taken(key);
    const place = (): void => placeObject(this.#root, key, bytes);
    await this.#log.append({ kind: 'object', name: key, bytes }, place).catch(async (error: unknown) => {
      if (asCustodyError(error).code === 'already-exists')
        await this.#log.append({ kind: 'withdrawn', name: key, bytes: NOTHING });
      throw error;
    });
  }
}

/** `index`: durable by the log alone. A line is durable no later than what is stored after it. */
export function loggedIndex<I extends SessionIndex>(index: I, log: StoreLog): I {
  return {
    ...index,
    opened: async (record) => {
      await index.opened(record);
      log.order({ kind: 'listed', name: record.id, bytes: jsonBytes(record) });
    },
    closed: async (id, outcome) => {
      await index.closed(id, outcome);
      log.order({ kind: 'ended', name: id, bytes: jsonBytes(outcome) });
    },
  };
}

/** `queue`: durable by the log alone. */
export function loggedLeaves<Q extends LeafQueue>(queue: Q, log: StoreLog): Q {
  return {
    ...queue,
    add: async (leaf) => {
      await queue.add(leaf);
      await log.append({ kind: 'leaf', name: '', bytes: leaf });
    },
  };
}

const NOTHING = new Uint8Array();

function jsonBytes(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}
