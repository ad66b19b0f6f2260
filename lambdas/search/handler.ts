import { CustodyError } from '#core/errors.ts';
import type { LeafSink } from '#core/ledger/leaves.ts';
import type { SessionCatalog, SessionRecord } from '#core/recording/session-index.ts';
import { type SearchedSession, sessionOfRecord } from '#core/search/entry.ts';
import { rulesOf } from '#core/search/fill.ts';
import { isOfSession } from '#core/search/match.ts';
import type { FoundSession, Hit, Place, SearchPage, StepSearch } from '#core/search/port.ts';
import type { SearchQuery } from '#core/search/query.ts';
import { type Asking, type AskingPorts, askingOf } from '../asking.ts';
import { type ApiEvent, type HttpHandler, httpHandler, json, queryOf } from '../http.ts';
import type { FaultLog } from '../problem.ts';
import { lookedAtFound } from '../sessions/looked.ts';
import { ReadableSessions, readableScopes } from './readable.ts';
import { seenPart } from './seen-part.ts';
import { foundSessionsShape, hitsShape, searchQueryShape } from './shapes.ts';
import { cursorOf, placeOf, termsOf } from './terms.ts';

export interface SearchPorts extends AskingPorts {
  readonly search: Pick<StepSearch, 'search' | 'sessions' | 'missing' | 'searchedSince'>;
  readonly catalog: SessionCatalog;
  readonly leaves: LeafSink;
  /** Sessions that are not in the search yet, the newest first: those that go on, and those that wait to be added. */
  readonly pending?: (limit: number) => Promise<readonly string[]>;
  readonly log: FaultLog;
}

/** Pages of the search for one of an answer: what a caller may not see is among them only where rules have exceptions. */
const ROUNDS_MAX = 20;
const PENDING_MAX = 1_000;
const PENDING_TOLD = 20;

/** GET /v1/search and /v1/search/sessions: among sessions that the caller may replay, and no others (security cases 7, 14). */
export function searchHandler(ports: SearchPorts): HttpHandler {
  return httpHandler(ports.log, async (event) => {
    const asked = await Asked.of(event, ports);
    if (event.rawPath === '/v1/search') return json(hitsShape, await asked.hits());
    if (event.rawPath === '/v1/search/sessions') return json(foundSessionsShape, await asked.sessions());
    throw new CustodyError('not-found', 'there is nothing here');
  });
}

/** One call. */
class Asked {
  readonly #ports: SearchPorts;
  readonly #asking: Asking;
  readonly #query: SearchQuery;
  readonly #page: SearchPage;
  readonly #readable: ReadableSessions;

  private constructor(ports: SearchPorts, asking: Asking, query: SearchQuery, page: SearchPage) {
    this.#ports = ports;
    this.#asking = asking;
    this.#query = query;
    this.#page = page;
    this.#readable = new ReadableSessions(asking, ports.catalog);
  }

  static async of(event: ApiEvent, ports: SearchPorts): Promise<Asked> {
    const asking = askingOf(event, ports);
    const asked = queryOf(searchQueryShape, event);
    const query = await termsOf(asked);
    const after = placeOf(asked.cursor);
    const scopes = readableScopes(asking, query.target);
    return new Asked(ports, asking, query, { scopes, limit: asked.limit, ...(after && { after }) });
  }

  async hits() {
    const { search } = this.#ports;
    const { found, next } = await this.#collect(async (page) => {
      const { hits, next } = await search.search(this.#query, page);
      return { items: hits, next };
    });
    await this.#enter(found.map(({ item, record }) => ({ record, step: item.step })));
    const hits = found.map(({ item }) => ({ ...sessionPart(item.session), ...stepPart(item.session, item) }));
    return { hits, ...nextPart(next), ...this.#range(), pending: await this.#pending() };
  }

  async sessions() {
    const { search } = this.#ports;
    const { found, next } = await this.#collect(async (page) => {
      const { sessions, next } = await search.sessions(this.#query, page);
      return { items: sessions, next };
    });
    await this.#enter(found.map(({ item, record }) => ({ record, step: item.first.step })));
    const sessions = found.map(({ item }) => listed(item));
    return { sessions, ...nextPart(next), ...this.#range(), pending: await this.#pending() };
  }

  #range() {
    const since = this.#ports.search.searchedSince?.(this.#query);
    return since === undefined ? {} : { searchedSince: new Date(since).toISOString() };
  }

  /** Of what is found, what may be seen. */
  async #collect<Item extends { readonly session: SearchedSession }>(
    ask: (page: SearchPage) => Promise<{ readonly items: readonly Item[]; readonly next: Place | undefined }>,
  ) {
    const found: { readonly item: Item; readonly record: SessionRecord }[] = [];
    let page = this.#page;
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const { items, next } = await ask(page);
      const stale = await this.#stale(items.map(({ session }) => session));
      for (const item of items) {
        const record = await this.#readable.get(item.session.id);
        if (record !== undefined && !stale.has(item.session.id)) found.push({ item, record });
      }
      const left = this.#page.limit - found.length;
      if (next === undefined || left === 0) return { found, next };
      page = { ...page, limit: left, after: next };
    }
    return { found, next: page.after };
  }

  /** Those that were added under other rules for what is left out: they are shown when they are added again. */
  async #stale(sessions: readonly SearchedSession[]): Promise<ReadonlySet<string>> {
    const rules = sessions.map((session) => [session.id, rulesOf(session, this.#asking.policy)] as const);
    return new Set(await this.#ports.search.missing(new Map(rules)));
  }

  /** In the ledger's queue before anything is shown: excerpts are of what was said. */
  async #enter(shown: readonly { readonly record: SessionRecord; readonly step: number }[]): Promise<void> {
    for (const ofOne of Map.groupBy(shown, ({ record }) => record.id).values()) {
      const part = seenPart(ofOne.map(({ step }) => step));
      await lookedAtFound(this.#asking, ofOne[0]!.record, part, this.#ports);
    }
  }

  /** What may be found later, among what the caller may replay and is asked about. */
  async #pending() {
    const ids = (await this.#ports.pending?.(PENDING_MAX)) ?? [];
    // How it ends, and by which device it is, is not known before.
    const { outcome: _outcome, device: _device, ...query } = this.#query;
    const sessions: string[] = [];
    for (const id of ids) {
      const record = await this.#readable.get(id);
      if (record !== undefined && isOfSession(query, sessionOfRecord(record))) sessions.push(id);
    }
    const { length: count } = sessions;
    const more = ids.length === PENDING_MAX ? { more: true as const } : {};
    return { count, sessions: sessions.slice(0, PENDING_TOLD), ...more };
  }
}

function nextPart(next: Place | undefined): { readonly next?: string } {
  const cursor = cursorOf(next);
  return cursor === undefined ? {} : { next: cursor };
}

function sessionPart({ id, protocol, target, principal, startedAt }: SearchedSession) {
  const { issuer, subject, email, actors } = principal;
  return {
    ...{ session: id, protocol, target, startedAt: new Date(startedAt).toISOString() },
    principal: { issuer, subject, ...(email !== undefined && { email }), ...(actors && { actors }) },
  };
}

function stepPart(
  { startedAt }: SearchedSession,
  { step, at, matched }: Pick<Hit, 'step' | 'at' | 'matched'>,
) {
  return { step, time: new Date(startedAt + Math.floor(at / 1000)).toISOString(), at, matched };
}

function listed({ session, steps, more, errors, writes, first }: FoundSession) {
  const outcome = session.reason === undefined ? {} : { outcome: session.reason };
  const counts = { steps, errors, writes, ...(more && { more }) };
  return { ...sessionPart(session), ...outcome, ...counts, first: stepPart(session, first) };
}
