import { GetCommand } from '@aws-sdk/lib-dynamodb';
import type { AccessRequest } from '#core/access/request.ts';
import type { AccessRequests } from '#core/access/store.ts';
import { type AccessTable, CHANGES, getRequest } from './access-item.ts';
import { reaching } from './failure.ts';

/** All requests that one look asks for share one reading of the count. */
const LOOK_MS = 200;
/** However quiet the count is, a request is read again after that: sessions end within 5 s whatever becomes of the count. */
const REREAD_MS = 3_000;
const FORGET_MS = 60_000;

interface Known {
  readonly request: AccessRequest;
  /** What the count was before the request was read. */
  readonly count: number;
  readonly readAt: number;
  askedAt: number;
}

/**
 * Requests for the watch over live sessions, which asks for every grant twice a second: while the count of changes stands
 * still, what was read before is what there is. The count is read before a request, so that a change in between is seen at
 * the next look. A count that cannot be read rejects: nothing runs on what may be stale.
 */
export function watchedRequests(place: AccessTable, monotonic: () => number): Pick<AccessRequests, 'get'> {
  const watched = new WatchedRequests(place, monotonic);
  return { get: (id) => watched.get(id) };
}

class WatchedRequests {
  readonly #place: AccessTable;
  readonly #monotonic: () => number;
  readonly #known = new Map<string, Known>();
  #count: { readonly readAt: number; readonly value: Promise<number> } | undefined;

  constructor(place: AccessTable, monotonic: () => number) {
    this.#place = place;
    this.#monotonic = monotonic;
  }

  async get(id: string): Promise<AccessRequest> {
    const count = await this.#currentCount();
    const now = this.#monotonic();
    const known = this.#known.get(id);
    if (known !== undefined && known.count === count && now - known.readAt < REREAD_MS) {
      known.askedAt = now;
      return known.request;
    }
    const request = await reaching('look a grant up', () => getRequest(this.#place, id));
    this.#known.set(id, { request, count, readAt: now, askedAt: now });
    return request;
  }

  #currentCount(): Promise<number> {
    const now = this.#monotonic();
    if (this.#count === undefined || now - this.#count.readAt >= LOOK_MS) {
      this.#forget(now);
      this.#count = { readAt: now, value: this.#readCount() };
    }
    return this.#count.value;
  }

  async #readCount(): Promise<number> {
    const { dynamo, table } = this.#place;
    const get = new GetCommand({ TableName: table, Key: CHANGES, ConsistentRead: true });
    const { Item } = await reaching('look for changes', () => dynamo.send(get));
    return (Item?.['count'] as number | undefined) ?? 0;
  }

  #forget(now: number): void {
    for (const [id, { askedAt }] of this.#known) if (now - askedAt > FORGET_MS) this.#known.delete(id);
  }
}
