import type { Socket } from 'node:net';
import type { Authorization } from '#core/access/decide.ts';
import type { CustodyError } from '#core/errors.ts';
import type { Credential, ProvedKey } from '#core/identity/credential.ts';
import type { ProtocolName } from '#core/protocols/protocols.ts';
import type { CloseReason } from '#core/recording/format.ts';
import type { TaskSession } from '#core/tasks/session.ts';
import type { Side } from './dead-peers.ts';
import type { SessionTape } from './recorder/tapes.ts';

/** One protocol's part in the life of a session (ARCHITECTURE.md). One adapter never knows of another. */
export interface Protocol {
  readonly name: ProtocolName;
  /**
   * Speaks just enough to learn the target's name and to receive a credential. Resolves with undefined when the
   * connection was no login and is dealt with: a cancel request, a probe of the port, a client that left before it showed
   * a credential. Nothing of that is an error. Rejects after telling the client what it can.
   */
  greet(socket: Socket, time: GreetingTime): Promise<Greeting | undefined>;
}

/**
 * One whose connections are no sessions: the calls of a session come by many connections, one after the other and at once, and a
 * connection may carry calls of several. It keeps its sessions itself, by who calls whom with which credential.
 */
export interface CallProtocol {
  readonly name: ProtocolName;
  /** Serves whatever comes by this connection, until it is closed. Never rejects for what a peer does. */
  converse(socket: Socket, reception: Reception): Promise<void>;
}

/** What a gateway does for one connection of a `CallProtocol`. */
export interface Reception {
  /** The client's address and port, for words and evidence. */
  readonly client: string;
  /** Aborted when nobody on this connection has shown a good credential in time; not any more once one has. */
  readonly signal: AbortSignal;
  /** Aborted when the gateway drains: calls in progress go on, and no session begins. */
  readonly drains: AbortSignal;
  /**
   * The life of a session from `identify` to `seal`, for a client that has shown a credential. Resolves once it is relayed, with its id, or was
   * refused, with undefined: `greeting.dial` or `greeting.refuse` was called by then. The session goes on whether or not this connection does.
   */
  begin(greeting: Greeting): Promise<string | undefined>;
  /** A call of a session that began before came by this connection. Throws `too-many-connections`. */
  join(): void;
  /** Something was refused that is worth a line of the log, which a flood does not fill. */
  refused(error: CustodyError, facts: { readonly target?: string; readonly who?: string }): void;
}

/** How long a greeting may take. */
export interface GreetingTime {
  /** Aborted when the client has taken too long. */
  readonly signal: AbortSignal;
  /**
   * Stops the clock while a person confirms a login in a browser, for ten minutes at most, and starts it anew afterwards: the client is
   * not to blame for that. `work` is given a signal that is aborted when those are over, or the gateway drains. Rejects with
   * `too-many-connections` where too many wait already. Whoever waits is at the door still: a flood may push it out.
   */
  whileConfirming<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T>;
}

/** A client that has named a target and presented a credential, and waits for an answer. */
export interface Greeting {
  readonly target: string;
  /** The login at the target that the client chose, where the protocol lets it. */
  readonly login?: string;
  readonly credential: Credential;
  /** The device whose key the client proved to hold on this very connection. */
  readonly device?: ProvedKey;
  /** The client's own words: recorded, never believed. */
  readonly client: { readonly application?: string; readonly user?: string };
  /** Why it wants access, should it have to ask for it. */
  readonly ask: { readonly reason?: string; readonly ticket?: string };
  /** The task of a run that the session is, where the client names one. Its words alone: whether it may be is decided. */
  readonly task?: { readonly run: string; readonly task: string };
  /** The sandbox that it means, by its id, where the target is one that is made. Whether it is theirs is looked up. */
  readonly sandbox?: string;
  /** W3C traceparent that the client gave, unchecked. */
  readonly trace?: string;
  /** True when the client has gone. */
  readonly gone: boolean;
  /** The credential is good. Before anything is said or refused that its bearer alone may know. */
  identified(): void;
  /**
   * Tells a client that stays connected something, in the protocol's own words. `next`: of the hint, what is true as well for one
   * that does not wait.
   */
  notify(message: string, hint: string, next: string): void;
  /** Says no in the protocol's own words and closes. */
  refuse(error: CustodyError): void;
  /** Puts what was said so far on the tape, secrets withheld. */
  recordLogin(tape: SessionTape): void;
  /**
   * Logs in to the target with its own credential (`secret`; undefined where the protocol makes one itself), for as long as the signal lets it and the client stays. Where the
   * grant names commands, only those will pass, and `held.claim` makes it this session's before the first of them does. Where the
   * session is a task, it is kept to `held.task.contract`. Rejects
   * with `target-unreachable`, `target-refused` (what the target says of the session itself is then told by `refuse`),
   * `target-lost`, `peer-left`, and with the reason of the signal.
   */
  dial(
    permission: Authorization<'connect'>,
    secret: string | undefined,
    tape: SessionTape,
    signal: AbortSignal,
    held: Held,
  ): Promise<Link>;
}

/** What a session is held to. */
export interface Held {
  /** Makes a grant for exact commands this session's. */
  claim(): Promise<void>;
  /** The target's credential, read anew: for those that are good for a shorter time than a session. */
  secret(): Promise<string | undefined>;
  /** Another credential than `used`, that a rotation has put in its place or is about to; undefined where there is none. */
  rotated(used: string): Promise<string | undefined>;
  /** Where the session is a task of a run: nothing passes but what its contract lets pass. */
  readonly task?: TaskSession;
}

/** A client and a target that are ready for each other. */
export interface Link {
  /** The connection to the target; absent where a session has many, and `sides` says which. */
  readonly target?: Socket;
  /** All connections of the session as they are now, of a session that has more than two. */
  sides?(): readonly Side[];
  /** Carries bytes both ways, recording first, until either side ends or `end` is called. */
  relay(): Promise<{ readonly reason: CloseReason; readonly detail?: string }>;
  /** Ends the session: tells the client why in its protocol, stops what runs at the target, closes both. */
  end(reason: CloseReason, error: CustodyError): void;
}
