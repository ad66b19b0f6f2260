import type { Authorization } from '#core/access/decide.ts';
import { durationText } from '#core/access/duration.ts';
import { asCustodyError, type CustodyError } from '#core/errors.ts';
import { sessionHeaders } from '#core/protocols/kubernetes/impersonation.ts';
import type { CallJudge } from '#core/protocols/kubernetes/judge.ts';
import type { KubernetesTarget } from '#core/protocols/kubernetes/schema.ts';
import type { Forwarded } from '#core/protocols/kubernetes/tape.ts';
import type { CloseReason } from '#core/recording/format.ts';
import type { Side } from '../../dead-peers.ts';
import type { Link } from '../../protocol.ts';
import type { Asking } from './asking.ts';
import type { CallTape } from './call-tape.ts';
import type { ClientConnection } from './client-connection.ts';
import type { KubernetesOptions, SessionLimits } from './options.ts';
import { flat } from './pairs.ts';
import type { SiftedHead } from './sifted-head.ts';
import type { Upstream } from './upstream.ts';

/** How long calls may take to say goodbye, each in its own protocol. */
const GOODBYES_MS = 3_500;

/** A call of the session that is not over. */
export interface LiveCall {
  readonly connection: ClientConnection;
  /** Connections of its own, beside the client's. */
  readonly sides: readonly Side[];
  /** The recorder is behind: nothing more is read for it until `resume`. */
  hold(): void;
  resume(): void;
  /** The session is over: tells the client in the words of what runs. Resolves when that is said, soon. */
  end(error: CustodyError): Promise<unknown> | undefined;
}

/** Makes a call of the session of a request; it is begun then, and tells the session when it is over. */
export type Relays = (
  session: CallSession,
  asking: Asking,
  head: SiftedHead,
  rest: string,
  number: number,
) => LiveCall & { begin(): void };

export interface SessionParts {
  readonly permission: Authorization<'connect'>;
  readonly target: KubernetesTarget;
  readonly records: CallTape;
  readonly upstream: Upstream;
  readonly judge: CallJudge;
  /** Whom the cluster is told that the person is. */
  readonly impersonation: Forwarded;
  readonly options: KubernetesOptions;
  readonly limits: SessionLimits;
  readonly relays: Relays;
  /** Of clients, milliseconds. */
  readonly userTimeoutMs: number;
  /** It takes no more calls. `away`: nor does another of the same client, for a while. */
  readonly onClosed: (session: CallSession, away: CustodyError | undefined) => void;
}

interface Ended {
  readonly reason: CloseReason;
  readonly detail?: string;
}

/** What goes on once the recorder has caught up. */
interface Kept {
  readonly goOn: () => void;
  readonly failed: (cause: CustodyError) => void;
}

function goOnWith({ goOn, failed }: Kept): void {
  try {
    goOn();
  } catch (thrown) {
    failed(asCustodyError(thrown));
  }
}

/** A client's calls, by whatever connections they come. */
export class CallSession implements Link {
  readonly parts: SessionParts;
  /** What each call says of whom it is for: names and values, one after the other. */
  readonly impersonates: readonly string[];
  readonly #live = new Set<LiveCall>();
  readonly #connections = new WeakMap<ClientConnection, number>();
  readonly #done = Promise.withResolvers<Ended>();
  readonly #timers: { idle?: () => void; longest?: () => void } = {};
  #connectionsSeen = 0;
  #calls = 0;
  #behind = false;
  #kept: Kept[] = [];
  #open = true;
  #over = false;

  constructor(parts: SessionParts) {
    this.parts = parts;
    this.impersonates = flat(sessionHeaders(parts.impersonation));
    const { options, limits, records } = parts;
    records.tape.onWait(() => this.waitForRecorder());
    this.#timers.longest = options.after(limits.longestMs, () =>
      this.#close({ reason: 'client-closed', detail: 'its time was over' }),
    );
    this.#startIdle();
  }

  /** Whether calls are still taken. */
  get open(): boolean {
    return this.#open;
  }

  /** Whether whoever shows the same token again still may. */
  get isExpired(): boolean {
    return this.parts.options.wallClock() >= this.parts.permission.principal.expiresAt;
  }

  get calls(): number {
    return this.#live.size;
  }

  take(asking: Asking, head: SiftedHead, rest: string): void {
    this.#stopIdle();
    this.#calls += 1;
    const call = this.parts.relays(this, asking, head, rest, this.#calls);
    this.#live.add(call);
    call.begin();
  }

  /** More calls at once than one session may have. */
  get isCrowded(): boolean {
    return this.#live.size > this.parts.limits.calls;
  }

  left(call: LiveCall): void {
    if (!this.#live.delete(call) || this.#live.size > 0 || this.#over) return;
    if (this.#open) this.#startIdle();
    else this.#finish(this.#closing!);
  }

  #closing: Ended | undefined;

  /** Of a session, its connections count from 1. */
  numberOf(connection: ClientConnection): number {
    const known = this.#connections.get(connection);
    if (known !== undefined) return known;
    this.#connectionsSeen += 1;
    this.#connections.set(connection, this.#connectionsSeen);
    return this.#connectionsSeen;
  }

  /** Nothing is read any more, either way, until the recorder has caught up. */
  waitForRecorder(): void {
    for (const call of this.#live) call.hold();
    if (this.#behind) return;
    this.#behind = true;
    this.parts.records.tape.whenCaughtUp(() => {
      this.#behind = false;
      for (const kept of this.#kept.splice(0)) goOnWith(kept);
      for (const call of this.#live) call.resume();
    });
  }

  get isBehind(): boolean {
    return this.#behind;
  }

  /** What the client sent goes on once it is durable, where the target wants that; as what the target sends where it does not. */
  whenForwardable(forward: () => void, failed: (cause: CustodyError) => void): void {
    const { tape } = this.parts.records;
    if (tape.durability === 'write-ahead') tape.whenDurable(() => goOnWith({ goOn: forward, failed }));
    else this.whenTimely(forward, failed);
  }

  /**
   * What was just recorded goes on: at once, or once the recorder is no longer too far behind, in order. Never where the session ends
   * before that. `failed`: told what it throws then, which is its own call's misfortune and nobody else's.
   */
  whenTimely(goOn: () => void, failed: (cause: CustodyError) => void): void {
    if (this.#behind) this.#kept.push({ goOn, failed });
    else goOn();
  }

  sides(): readonly Side[] {
    const { upstream, target, userTimeoutMs } = this.parts;
    const clients = new Set([...this.#live].map(({ connection }) => connection));
    return [
      ...[...clients].map(({ ends }) => ({ who: 'client' as const, ends, userTimeoutMs })),
      ...[...upstream.sockets].map((ends) => ({
        who: 'target' as const,
        ends,
        userTimeoutMs: target.connect.userTimeout,
      })),
      ...[...this.#live].flatMap(({ sides }) => sides),
    ];
  }

  relay(): Promise<Ended> {
    return this.#done.promise;
  }

  /** The client is done. */
  leave(): void {
    this.#close({ reason: 'client-closed' });
  }

  /** The gateway drains: calls go on, and no others begin. */
  drain(): void {
    this.#close({ reason: 'drained' });
  }

  end(reason: CloseReason, error: CustodyError): void {
    if (this.#over) return;
    this.#over = true;
    this.#kept = [];
    this.#takeNoMore(reason === 'terminated' ? error : undefined);
    const goodbyes = [...this.#live].map((call) => Promise.resolve(call.end(error)));
    const ended = { reason, detail: error.detail ?? error.message };
    const settle = (): void => this.#settle(ended);
    const callOff = this.parts.options.after(GOODBYES_MS, settle);
    void Promise.all(goodbyes).then(settle).finally(callOff);
  }

  #startIdle(): void {
    const { options, limits } = this.parts;
    const over = (): void =>
      this.#close({ reason: 'client-closed', detail: `no call for ${durationText(limits.idleMs)}` });
    this.#timers.idle = options.after(limits.idleMs, over);
  }

  #stopIdle(): void {
    this.#timers.idle?.();
    delete this.#timers.idle;
  }

  /** Calls in progress go on till they end. */
  #close(ended: Ended): void {
    if (this.#over || !this.#open) return;
    this.#closing = ended;
    this.#takeNoMore(undefined);
    if (this.#live.size === 0) this.#finish(ended);
  }

  #takeNoMore(away: CustodyError | undefined): void {
    this.#stopIdle();
    this.#timers.longest?.();
    this.#open = false;
    this.parts.onClosed(this, away);
  }

  #finish(ended: Ended): void {
    if (this.#over) return;
    this.#over = true;
    this.#settle(ended);
  }

  #settle(ended: Ended): void {
    this.parts.upstream.destroy();
    this.#done.resolve(ended);
  }
}
