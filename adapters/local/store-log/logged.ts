/** What a gateway writes to on a laptop: a store, the list of sessions and the ledger's queue that share one log. */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { asCustodyError } from '#core/errors.ts';
import type { LeafQueue } from '#core/ledger/ports.ts';
import {
  type NamedObject,
  ORDERED_MAX_BYTES,
  type RecordingSink,
  type RecordingSource,
} from '#core/recording/ports.ts';
import type { SessionIndex } from '#core/recording/session-index.ts';
import type { LocalLeafQueue } from '../ledger.ts';
import { checkKey } from '../object-key.ts';
import type { StoreLog } from './log.ts';
import { placeObject, taken } from './place.ts';
import { leafName } from './record.ts';

/** `store`: where what is larger goes, durably at once, and what is read. `queue`: of the ledger. */
export function loggedStore(
  root: string,
  store: RecordingSink & RecordingSource,
  queue: Pick<LocalLeafQueue, 'addNow'>,
  log: StoreLog,
): RecordingSink & RecordingSource {
  const logged = new LoggedPuts(root, log);
  return {
    ...store,
    put: async (key, bytes, retention) => {
      if (bytes.byteLength > ORDERED_MAX_BYTES) return store.put(key, bytes, retention);
      return logged.put(checkKey(key), bytes);
    },
    putEntered: async (objects, leaf) => {
      for (const [key] of objects) checkKey(key);
      await logged.putEntered(objects, leaf, () => queue.addNow(leaf));
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
    await this.#untilFree([key], () => this.#take(key, bytes, () => placeObject(this.#root, key, bytes)));
  }

  /** One write of the log has all of it. The leaf's record names the objects, and counts if they do (replay.ts). */
  async putEntered(objects: readonly NamedObject[], leaf: Uint8Array, enter: () => void): Promise<void> {
    const keys = objects.map(([key]) => key);
    await this.#untilFree(keys, async () => {
      const placed = new Set<string>();
      const puts = objects.map(([key, bytes]) =>
        this.#take(key, bytes, () => {
          placeObject(this.#root, key, bytes);
          placed.add(key);
        }),
      );
      const entered = this.#log.append({ kind: 'leaf', name: leafName(keys), bytes: leaf }, () => {
        if (placed.size < keys.length) throw taken(keys.join());
        enter();
      });
      await Promise.allSettled([...puts, entered]);
      await Promise.all([...puts, entered]);
    });
  }

  /** Nobody else is about to take the names, and none is taken: `take` takes them in the very step that has seen it. */
  async #untilFree(keys: readonly string[], take: () => Promise<void>): Promise<void> {
    for (let other = this.#atWork(keys); other !== undefined; other = this.#atWork(keys)) await other;
    for (const key of keys)
      if (lstatSync(join(this.#root, key), { throwIfNoEntry: false }) !== undefined) throw taken(key);
    await take();
  }

  #atWork(keys: readonly string[]): Promise<void> | undefined {
    const key = keys.find((one) => this.#pending.has(one));
    return key === undefined ? undefined : this.#pending.get(key)!.catch(() => undefined);
  }

  /** Before it comes to the place another process may take the name: then the record is withdrawn. */
  #take(key: string, bytes: Uint8Array, place: () => void): Promise<void> {
    const put = this.#log
      .append({ kind: 'object', name: key, bytes }, place)
      .catch(async (error: unknown) => {
        if (asCustodyError(error).code === 'already-exists')
          await this.#log.append({ kind: 'withdrawn', name: key, bytes: NOTHING });
        throw error;
      })
      .finally(() => this.#pending.delete(key));
    this.#pending.set(key, put);
    return put;
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
