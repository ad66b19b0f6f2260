import { setTimeout as sleep } from 'node:timers/promises';
import type { UnindexedSessions } from '#adapters/local/unindexed-sessions.ts';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { type Indexing, type IndexPorts, indexSession } from '#core/replay/index/index-session.ts';
import type { Indexes } from '#lambdas/sessions/steps.ts';

export interface IndexingPorts extends IndexPorts {
  readonly unindexed: Pick<UnindexedSessions, 'next' | 'done'>;
  readonly say: (line: string) => void;
  readonly now: () => Date;
}

const SESSIONS_AT_ONCE = 20;
/** What could not be made is not tried again before: to verify a long recording costs something. */
const RETRY_MS = 60_000;
/** Whoever asks for a page waits no longer than this for its index. */
const WAIT_MS = 20_000;

/** Makes indexes of sessions on this machine: of sealed ones as soon as they are, of older ones after them, one at a time. */
export class LocalIndexer implements Indexes {
  readonly #ports: IndexingPorts;
  readonly #underWay = new Map<string, Promise<Indexing>>();
  readonly #failed = new Map<string, number>();
  #round: Promise<void> | undefined;
  #isStopped = false;

  constructor(ports: IndexingPorts) {
    this.#ports = ports;
  }

  /** What is under way ends at its next step, and is gone on with at the next start. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Makes those that are missing, the newest first. Who asks while it is under way waits for that. */
  indexAll(): Promise<void> {
    this.#round ??= this.#indexNext().finally(() => (this.#round = undefined));
    return this.#round;
  }

  async wanted(session: string, deep: boolean): Promise<'made' | 'later'> {
    const made = this.#index(session, deep).then(() => 'made' as const);
    made.catch(() => undefined);
    const waited = new AbortController();
    const later = sleep(WAIT_MS, 'later' as const, { signal: waited.signal, ref: false });
    later.catch(() => undefined);
    return Promise.race([made, later]).finally(() => waited.abort());
  }

  async #indexNext(): Promise<void> {
    const { unindexed, now } = this.#ports;
    const before = now().getTime() - RETRY_MS;
    for (const [session, at] of this.#failed) if (at <= before) this.#failed.delete(session);
    for (const session of unindexed.next(SESSIONS_AT_ONCE + this.#failed.size)) {
      if (this.#isStopped) return;
      if (this.#failed.has(session)) continue;
      await this.#index(session, false).catch((thrown: unknown) => this.#fail(session, thrown));
    }
  }

  #index(session: string, deep: boolean): Promise<Indexing> {
    const known = this.#underWay.get(session);
    if (known !== undefined) return known;
    const making = this.#make(session, deep).finally(() => this.#underWay.delete(session));
    this.#underWay.set(session, making);
    return making;
  }

  async #make(session: string, deep: boolean): Promise<Indexing> {
    const { store, signer, unindexed, say } = this.#ports;
    const each = (): void => {
      if (this.#isStopped) throw new CustodyError('draining', 'the control plane stops');
    };
    const indexing = await indexSession(session, { store, signer }, { deep, each });
    if (this.#isStopped) return indexing;
    if (indexing.state === 'made' && indexing.why !== undefined)
      say(`the index of session ${session} was no good (${indexing.why}); it was made again`);
    // The catalog hears of an end after the store does: what has none there was never sealed by this store's gateway.
    if (indexing.state === 'unsealed') this.#failed.set(session, this.#ports.now().getTime());
    else unindexed.done(session);
    return indexing;
  }

  #fail(session: string, thrown: unknown): void {
    if (this.#isStopped) return;
    const { code, message, detail } = asCustodyError(thrown);
    this.#failed.set(session, this.#ports.now().getTime());
    this.#ports.say(`the index of session ${session} cannot be made now: ${message} (${detail ?? code})`);
  }
}
