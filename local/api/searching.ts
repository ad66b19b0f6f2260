import type { Config } from '#core/access/config.ts';
import { asCustodyError } from '#core/errors.ts';
import { lowestIdAt, timeOfId } from '#core/recording/session-id.ts';
import type { SessionCatalog, SessionRecord } from '#core/recording/session-index.ts';
import { addToSearch, type FillPorts, rulesOf } from '#core/search/fill.ts';
import type { StepSearch } from '#core/search/port.ts';
import type { Indexes } from '#lambdas/sessions/steps.ts';

export interface SearchingPorts extends Omit<FillPorts, 'search'> {
  readonly search: Pick<StepSearch, 'add' | 'missing'>;
  /** Who makes what entries are made of. */
  readonly indexes: Pick<Indexes, 'wanted'>;
  readonly catalog: SessionCatalog;
  readonly policy: () => Config;
  readonly now: () => Date;
  readonly say: (line: string) => void;
}

const PAGE = 500;
/** An id may come into the index after later ones: gateways' clocks differ, and a listing takes its time. */
const LATE_MS = 600_000;
const RETRY_MS = 60_000;
/** No target can have this name. */
const GONE = '*';

/** Makes indexes of sessions, and adds them to the search, as they are sealed; at its start, and when custody.yaml leaves out something else, all that are missing. */
export class LocalSearching {
  readonly #ports: SearchingPorts;
  /** Sessions that are not in the search: they go on, wait to be sealed, or cannot be read now (then: not before this time). */
  readonly #waiting = new Map<string, number>();
  /** All sessions up to this id were looked at, under these rules. */
  #lookedAt = '';
  #rules = '';
  #round: Promise<void> | undefined;
  #isStopped = false;

  constructor(ports: SearchingPorts) {
    this.#ports = ports;
  }

  /** Resolves when nothing more is read. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#round?.catch(() => undefined);
  }

  /** One round at a time; who asks while one is under way waits for that. */
  addAll(): Promise<void> {
    this.#round ??= this.#addAll().finally(() => (this.#round = undefined));
    return this.#round;
  }

  /** The newest first. Whoever asks sees also what began since the last round. */
  async pending(limit: number): Promise<readonly string[]> {
    await this.#look();
    return [...this.#waiting.keys()].toSorted().toReversed().slice(0, limit);
  }

  async #addAll(): Promise<void> {
    await this.#look();
    const now = this.#ports.now().getTime();
    const due = [...this.#waiting].filter(([, notBefore]) => notBefore <= now).map(([id]) => id);
    for (const id of due.toSorted().toReversed()) {
      if (this.#isStopped) return;
      await this.#add(id);
    }
  }

  /** What is new in the catalog since the last look. */
  async #look(): Promise<void> {
    const { catalog, policy } = this.#ports;
    const config = policy();
    // Of whatever target there was, also one that the file has no more.
    const names = [...config.targets.keys(), GONE];
    const rules = JSON.stringify(names.map((name) => [name, rulesOf({ target: name }, config)]));
    const from = rules === this.#rules && this.#lookedAt !== '' ? before(this.#lookedAt) : undefined;
    let newest = this.#lookedAt;
    for (let cursor: string | undefined; ; ) {
      const page = await catalog.list({ limit: PAGE, ...(from && { from }), ...(cursor && { cursor }) });
      await this.#note(page.sessions);
      const [first] = page.sessions;
      if (first !== undefined && first.id > newest) newest = first.id;
      cursor = page.next;
      if (cursor === undefined || this.#isStopped) break;
    }
    [this.#lookedAt, this.#rules] = [newest, rules];
  }

  async #note(sessions: readonly SessionRecord[]): Promise<void> {
    const { search, policy } = this.#ports;
    const wanted = new Map(sessions.map((session) => [session.id, rulesOf(session, policy())]));
    for (const id of await search.missing(wanted)) if (!this.#waiting.has(id)) this.#waiting.set(id, 0);
  }

  async #add(id: string): Promise<void> {
    const { catalog, indexes, policy, now, say } = this.#ports;
    try {
      const record = await catalog.get(id);
      if (record.outcome === undefined) return;
      // Made once, for both: whoever is killed in between finds it, and goes on from there.
      if ((await indexes.wanted(id, false)) === 'later') return;
      if (await addToSearch(record, policy(), this.#ports)) this.#waiting.delete(id);
    } catch (error) {
      const { code, message } = asCustodyError(error);
      this.#waiting.set(id, now().getTime() + RETRY_MS);
      if (code !== 'unsupported' && !this.#isStopped)
        say(`session ${id} cannot be added to the search now: ${message}`);
    }
  }
}

function before(id: string): string {
  return lowestIdAt(timeOfId(id) - LATE_MS);
}
