import type { Presence, Watcher } from '#core/access/presence.ts';
import { type AccessRequest, openUntil, type Step } from '#core/access/request.ts';
import type {
  AccessCatalog,
  AccessOutbox,
  AccessRequests,
  RequestPage,
  RequestQuery,
  Termination,
  Terminations,
  Untold,
} from '#core/access/store.ts';
import { CustodyError } from '#core/errors.ts';

/** Requests and terminations in memory. */
export class MemoryAccess implements AccessRequests, AccessCatalog, AccessOutbox, Terminations, Presence {
  readonly watchers = new Map<string, Watcher>();
  readonly awaiting = new Map<string, string>();
  readonly requests = new Map<string, AccessRequest>();
  readonly terminations = new Map<string, Termination>();
  readonly #keys = new Map<string, string>();
  readonly #told = new Map<string, number>();

  async create(request: AccessRequest, key?: string): Promise<AccessRequest> {
    const { issuer, subject } = request.requester;
    const name = JSON.stringify([issuer, subject, key]);
    const earlier = key === undefined ? undefined : this.#keys.get(name);
    if (earlier !== undefined) return this.requests.get(earlier)!;
    if (this.requests.has(request.id)) throw new CustodyError('already-exists', 'the request exists already');
    this.requests.set(request.id, structuredClone(request));
    if (key !== undefined) this.#keys.set(name, request.id);
    return request;
  }

  async append(id: string, after: number, steps: readonly Step[]): Promise<void> {
    const request = this.requests.get(id);
    if (request === undefined) throw new CustodyError('not-found', 'no such request');
    if (request.steps.length !== after)
      throw new CustodyError('conflict', 'somebody else changed the request');
    this.requests.set(id, { ...request, steps: [...request.steps, ...steps] });
  }

  async renew(watcher: Watcher): Promise<void> {
    const { session, by } = watcher;
    this.watchers.set(JSON.stringify([session, by.issuer, by.subject]), structuredClone(watcher));
  }

  async watching(sessions: readonly string[]): Promise<readonly Watcher[]> {
    return [...this.watchers.values()].filter(({ session }) => sessions.includes(session));
  }

  async awaits(session: string, until: string): Promise<void> {
    this.awaiting.set(session, until);
  }

  async begins(session: string): Promise<void> {
    this.awaiting.delete(session);
  }

  async waiting(now: Date): Promise<readonly string[]> {
    return [...this.awaiting].filter(([, until]) => Date.parse(until) > now.getTime()).map(([id]) => id);
  }

  async get(id: string): Promise<AccessRequest> {
    const request = this.requests.get(id);
    if (request === undefined) throw new CustodyError('not-found', 'no such request');
    return request;
  }

  async list({ requester, target, openAt, limit, cursor }: RequestQuery): Promise<RequestPage> {
    const all = [...this.requests.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
    const found = all.filter(
      (request) =>
        (requester === undefined ||
          (request.requester.issuer === requester.issuer &&
            request.requester.subject === requester.subject)) &&
        (target === undefined || request.target === target) &&
        (openAt === undefined || openUntil(request) > openAt.getTime()) &&
        (cursor === undefined || request.id < cursor),
    );
    const requests = found.slice(0, limit);
    return found.length > limit ? { requests, next: requests.at(-1)!.id } : { requests };
  }

  async untold(limit: number, id?: string): Promise<readonly Untold[]> {
    const all = [...this.requests.values()].map((request) => ({
      request,
      told: this.#told.get(request.id) ?? 0,
    }));
    return all
      .filter(({ request, told }) => told <= request.steps.length && (id === undefined || request.id === id))
      .slice(0, limit);
  }

  async told(id: string, count: number): Promise<void> {
    this.#told.set(id, Math.max(count, this.#told.get(id) ?? 0));
  }

  async ask(termination: Termination): Promise<void> {
    if (!this.terminations.has(termination.session)) this.terminations.set(termination.session, termination);
  }

  async asked(sessions: readonly string[]): Promise<readonly Termination[]> {
    return sessions.flatMap((session) => this.terminations.get(session) ?? []);
  }
}
