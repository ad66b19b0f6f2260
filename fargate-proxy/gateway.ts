import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Target } from '#core/access/config.ts';
import type { Authorization, Grant } from '#core/access/decide.ts';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import type { CloseReason } from '#core/recording/format.ts';
import type { Opening } from '#core/recording/recorder.ts';
import type { Retention } from '#core/recording/ports.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import { boundText, recordedPrincipal } from '#core/recording/statements.ts';
import type { Admission, Visitor } from './admission.ts';
import type { Log } from './log.ts';
import { LoginClock } from './login-clock.ts';
import type { Greeting, Link, Protocol } from './protocol.ts';
import type { SessionTape, Tapes } from './recorder/tapes.ts';
import type { Watched } from './session-watch.ts';

export interface GatewayOptions {
  readonly admission: Admission;
  readonly tapes: Tapes;
  /** The target's credential. Rejects with a clear error when it cannot be had. */
  readonly secretOf: (target: Target) => Promise<string>;
  readonly version: string;
  readonly task: string;
  /** From accept to relay, milliseconds: greeting, token and target login together, but not a wait for reviewers. */
  readonly loginMs: number;
  readonly log: Log;
  readonly wallClock: () => Date;
}

/** Every session of this task. One client connection is one call of `serve`. */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #live = new Set<LiveSession>();
  readonly #serving = new Set<Promise<void>>();
  #draining = false;

  constructor(options: GatewayOptions) {
    this.#options = options;
  }

  /** Sessions being relayed now. */
  get sessions(): ReadonlySet<Watched> {
    return this.#live;
  }

  /** The life of a session. Never rejects: whatever goes wrong is told to the client and the log. */
  serve(protocol: Protocol, socket: Socket): void {
    const served = this.#serve(protocol, socket).catch((error: unknown) => {
      this.#options.log('session-error', asCustodyError(error));
    });
    this.#serving.add(served);
    void served.finally(() => this.#serving.delete(served));
  }

  /** No new sessions; running ones go on for `deadlineMs`, then end with a clear error, sealed. */
  async drain(deadlineMs: number): Promise<void> {
    this.#draining = true;
    this.#options.admission.close(draining());
    const deadline = setTimeout(() => this.#endAll(), deadlineMs);
    while (this.#serving.size > 0) await Promise.allSettled(this.#serving);
    clearTimeout(deadline);
  }

  async #serve(protocol: Protocol, socket: Socket): Promise<void> {
    const session = await this.#login(protocol, socket);
    if (session !== undefined) await this.#hold(session);
  }

  /** Everything up to the relay, in bounded time. What only the login needed is garbage when it returns. */
  async #login(protocol: Protocol, socket: Socket): Promise<LiveSession | undefined> {
    const clock = new LoginClock(this.#options.loginMs);
    const { remoteAddress: network, remotePort } = socket;
    try {
      const greeting = await protocol.greet(socket, clock.signal);
      if (greeting === undefined) return undefined;
      return await this.#admit({ greeting, network, clock }, protocol, `${network}:${remotePort}`);
    } finally {
      clock.stop();
    }
  }

  /** Identify, authorize, open, dial. Undefined when the client was refused and told so. */
  async #admit(visitor: AtTheDoor, protocol: Protocol, client: string): Promise<LiveSession | undefined> {
    const { greeting, clock } = visitor;
    try {
      if (this.#draining) throw draining();
      const permission = await this.#options.admission.admit(visitor);
      const secret = await this.#options.secretOf(permission.target);
      const live = new LiveSession(
        this.#opening(permission, greeting, protocol, client),
        permission,
        visitor.network,
      );
      await this.#options.admission.tell(permission);
      return await this.#begin(live, permission, greeting, secret, clock.signal);
    } catch (thrown) {
      const error = clock.signal.aborted ? asCustodyError(clock.signal.reason) : asCustodyError(thrown);
      greeting.refuse(error);
      this.#options.log('refused', error, { client, target: greeting.target });
      return undefined;
    }
  }

  /** The open statement is stored before anything reaches the target. */
  async #begin(
    live: LiveSession,
    permission: Authorization<'connect'>,
    greeting: Greeting,
    secret: string,
    signal: AbortSignal,
  ): Promise<LiveSession> {
    const tape = await this.#options.tapes.open(live.opening, {
      ...permission.target.recording,
      onFailure: (error) => live.end('recording-failed', error),
    });
    live.tape = tape;
    try {
      greeting.recordLogin(tape);
      const claim = (): Promise<void> => this.#options.admission.claim(permission, live.opening.session);
      live.start(await greeting.dial(permission, secret, tape, signal, claim));
      return live;
    } catch (thrown) {
      const error = signal.aborted ? asCustodyError(signal.reason) : asCustodyError(thrown);
      tape.note({ note: 'login-failed', code: error.code, message: error.message });
      await this.#seal(live, { reason: 'target-refused', detail: error.message });
      throw error;
    }
  }

  #opening(
    { principal, target, rule, grant, policyVersion }: Authorization<'connect'>,
    greeting: Greeting,
    protocol: Protocol,
    clientAddress: string,
  ): Opening {
    const { version, task, wallClock } = this.#options;
    const now = wallClock();
    const { application, user } = greeting.client;
    return {
      session: newSessionId(now.getTime(), randomBytes(10)),
      startedAt: now.toISOString(),
      principal: recordedPrincipal(principal),
      target: { name: target.name, protocol: protocol.name, address: addressText(target) },
      client: {
        address: clientAddress,
        ...(application === undefined ? {} : { application: boundText(application) }),
        ...(user === undefined ? {} : { user: boundText(user) }),
      },
      grant: grant === undefined ? { rule } : { rule, ...recordedGrant(grant) },
      policy: policyVersion,
      gateway: { version, task },
      durability: { mode: target.recording.durability, windowMs: target.recording.windowMs },
      retention: retentionOf(target, now),
    };
  }

  async #hold(live: LiveSession): Promise<void> {
    this.#live.add(live);
    try {
      await this.#seal(live, await live.relayed());
    } finally {
      this.#live.delete(live);
    }
  }

  /** A session that cannot be sealed now is sealed by the next start, from what is durable. */
  async #seal(
    live: LiveSession,
    ending: { readonly reason: CloseReason; readonly detail?: string },
  ): Promise<void> {
    const endedAt = this.#options.wallClock().toISOString();
    try {
      await live.tape!.close({ ...ending, endedAt });
      this.#options.log('session-closed', undefined, {
        session: live.opening.session,
        reason: ending.reason,
      });
    } catch (error) {
      this.#options.log('seal-failed', asCustodyError(error), { session: live.opening.session });
    }
  }

  #endAll(): void {
    for (const live of this.#live) live.end('drained', draining());
  }
}

/** A client that has greeted, and the clock that its login runs against. */
type AtTheDoor = Visitor & { readonly clock: LoginClock };

/** A session from its open statement to its seal. */
class LiveSession implements Watched {
  readonly opening: Opening;
  readonly question: Watched['question'];
  tape: SessionTape | undefined;
  #link: Link | undefined;
  #ended: { readonly reason: CloseReason; readonly error: CustodyError } | undefined;

  constructor(opening: Opening, permission: Authorization<'connect'>, network: string | undefined) {
    this.opening = opening;
    this.question = questionOf(opening, permission, network);
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
    this.#link?.end(reason, error);
  };
}

/** What is asked again for as long as the session lives. */
function questionOf(
  { session, startedAt }: Opening,
  { principal, target, rule, grant }: Authorization<'connect'>,
  network: string | undefined,
): Watched['question'] {
  const live = {
    session,
    rule,
    startedAt: new Date(startedAt),
    ...(grant === undefined ? {} : { grant: grant.id }),
  };
  const context = network === undefined ? {} : { network };
  return { principal, action: 'connect', target: target.name, context, live };
}

function recordedGrant({ id, digest, until }: Grant): { request: string; digest: string; until: string } {
  return { request: id, digest, until: until.toISOString() };
}

function retentionOf({ recording: { retention } }: Target, now: Date): Retention {
  const until = new Date(now.getTime() + retention.keep).toISOString();
  return { lock: retention.lock, until, ...(retention.hold ? { hold: true } : {}) };
}

function addressText({ address }: Target): string {
  return `${address.host}:${address.port}`;
}

function draining(): CustodyError {
  return new CustodyError('draining', 'this gateway is shutting down', { hint: 'connect again' });
}
