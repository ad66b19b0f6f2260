import { blindMsOf } from '#core/access/blind.ts';
import type { Authorization } from '#core/access/decide.ts';
import type { CustodyError } from '#core/errors.ts';
import type { CloseReason } from '#core/recording/format.ts';
import type { Opening } from '#core/recording/recorder.ts';
import type { RunTaskSession } from '#core/tasks/task-session.ts';
import type { Conversing, Side } from './dead-peers.ts';
import { Moderation } from './moderation.ts';
import type { Link } from './protocol.ts';
import type { SessionTape } from './recorder/tapes.ts';
import type { Watched } from './session-watch.ts';

/** A session from its open statement to its seal. */
export class LiveSession implements Watched, Conversing {
  readonly opening: Opening;
  readonly question: Watched['question'];
  tape: SessionTape | undefined;
  readonly moderation: Moderation;
  readonly blindMs: number;
  /** Where it is a task of a run. */
  task: RunTaskSession | undefined;
  readonly #client: Side;
  readonly #userTimeoutMs: number;
  #link: Link | undefined;
  #ended: { readonly reason: CloseReason; readonly error: CustodyError } | undefined;
  readonly #end = new AbortController();

  constructor(opening: Opening, permission: Authorization<'connect'>, client: Side) {
    this.opening = opening;
    this.question = questionOf(opening, permission);
    this.blindMs = blindMsOf(permission);
    const isWaiting = permission.terms.moderated !== undefined;
    this.moderation = new Moderation(permission.principal, isWaiting, (fact) => this.note(fact));
    this.#client = client;
    this.#userTimeoutMs = permission.target.connect.userTimeout;
  }

  get sides(): readonly Side[] {
    const sides = this.#link?.sides?.();
    if (sides !== undefined) return sides;
    if (this.#link?.target === undefined) return [this.#client];
    return [this.#client, { who: 'target', ends: this.#link.target, userTimeoutMs: this.#userTimeoutMs }];
  }

  note(fact: Parameters<SessionTape['note']>[0]): void {
    this.tape?.note(fact);
  }

  /** Aborted when the session has to end, also while its target is dialled. */
  get ended(): AbortSignal {
    return this.#end.signal;
  }

  /** Why it has to end. */
  get reason(): CloseReason | undefined {
    return this.#ended?.reason;
  }

  start(link: Link): void {
    this.#link = link;
    if (this.#ended !== undefined) link.end(this.#ended.reason, this.#ended.error);
  }

  relayed(): ReturnType<Link['relay']> {
    return this.#link!.relay();
  }

  readonly end = (reason: CloseReason, error: CustodyError): void => {
    this.#ended ??= { reason, error };
    this.#end.abort(this.#ended.error);
    this.#link?.end(reason, error);
  };

  /** Told by the tape, which lives as long as the session: a closure of the login's would keep all that the login needed. */
  readonly recordingFailed = (error: CustodyError): void => this.end('recording-failed', error);
}

/** What is asked again for as long as the session lives. */
function questionOf(
  { session, startedAt }: Opening,
  { principal, target, rule, terms, grant, context }: Authorization<'connect'>,
): Watched['question'] {
  const live = {
    session,
    rule,
    terms,
    startedAt: new Date(startedAt),
    ...(grant === undefined ? {} : { grant: grant.id }),
  };
  return { principal, action: 'connect', target: target.name, context, live };
}
