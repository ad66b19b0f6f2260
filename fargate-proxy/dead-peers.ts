import { CustodyError } from '#core/errors.ts';
import type { CloseReason } from '#core/recording/format.ts';
import { connectionName, type Ends, type Unanswered } from './wire/unanswered.ts';

/** A session, with both its connections. */
export interface Conversing {
  readonly sides: readonly Side[];
  end(reason: CloseReason, error: CustodyError): void;
}

export interface Side {
  readonly who: 'client' | 'target';
  readonly ends: Ends;
  /** How long bytes in flight may go without an answer, milliseconds. */
  readonly userTimeoutMs: number;
}

interface Waiting {
  readonly since: number;
  readonly tries: number;
  /** When the kernel was to try once more. */
  readonly againAt: number;
}

/** A timer of the kernel's may be late by this, and a look as well. */
const LATE_MS = 1_000;

/**
 * What `tcp_user_timeout` is to PostgreSQL. A peer whose machine vanished while bytes were in flight is noticed by the kernel
 * after a quarter of an hour, and keepalive does not look at such a connection. Node cannot set TCP_USER_TIMEOUT; what
 * the kernel tells of its connections says the same.
 */
export class DeadPeers {
  #waiting = new Map<string, Waiting>();

  /** Ends the sessions whose peers have not answered for too long. `now`: milliseconds, monotonic. */
  look(sessions: Iterable<Conversing>, found: Iterable<Unanswered>, now: number): void {
    const earlier = this.#waiting;
    this.#waiting = new Map();
    for (const one of found) {
      const before = earlier.get(one.connection);
      const since = before === undefined || hasAnswered(before, one, now) ? now : before.since;
      this.#waiting.set(one.connection, { since, tries: one.tries, againAt: now + one.againMs });
    }
    if (this.#waiting.size === 0) return;
    for (const session of sessions) this.#check(session, now);
  }

  #check(session: Conversing, now: number): void {
    for (const { who, ends, userTimeoutMs } of session.sides) {
      const waiting = this.#waiting.get(connectionName(ends));
      if (waiting === undefined || now - waiting.since < userTimeoutMs) continue;
      return session.end(`${who}-lost`, vanished(who, now - waiting.since));
    }
  }
}

/**
 * Whether it has in between: there are fewer tries than before, or as many, though the next one was long due. On a network that loses
 * much, a peer that answers is found at each look while something is sent again.
 */
function hasAnswered(before: Waiting, { tries }: Unanswered, now: number): boolean {
  return tries < before.tries || (tries === before.tries && now > before.againAt + LATE_MS);
}

function vanished(who: Side['who'], ms: number): CustodyError {
  const detail = `the ${who} has answered nothing that was sent to it for ${Math.round(ms / 1000)} s`;
  return new CustodyError('target-lost', `the ${who} does not answer any more`, {
    hint: 'its machine may be gone, or the network on the way to it: connect again',
    detail,
  });
}
