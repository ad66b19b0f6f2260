import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Config, Target } from '#core/access/config.ts';
import { type Authorization, decide, refusalError } from '#core/access/decide.ts';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import type { Principal, TokenVerifier } from '#core/identity/principal.ts';
import type { CloseReason } from '#core/recording/format.ts';
import type { Opening } from '#core/recording/recorder.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import { boundText, recordedPrincipal } from '#core/recording/statements.ts';
import type { Log } from './log.ts';
import type { Greeting, Link, Protocol } from './protocol.ts';
import type { SessionTape, Tapes } from './recorder/tapes.ts';

export interface GatewayOptions {
  readonly policy: Config;
  readonly verifier: TokenVerifier;
  readonly tapes: Tapes;
  /** The target's credential. Rejects with a clear error when it cannot be had. */
  readonly secretOf: (target: Target) => Promise<string>;
  readonly version: string;
  readonly task: string;
  /** From accept to relay, milliseconds: greeting, token and target login together. */
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
  get sessions(): number {
    return this.#live.size;
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
    const login = new AbortController();
    const overdue = setTimeout(() => login.abort(tooSlow()), this.#options.loginMs);
    const clientAddress = `${socket.remoteAddress}:${socket.remotePort}`;
    try {
      const greeting = await protocol.greet(socket, login.signal);
      if (greeting === undefined) return undefined;
      return await this.#admit(greeting, protocol, clientAddress, login.signal);
    } finally {
      clearTimeout(overdue);
    }
  }

  /** Identify, authorize, open, dial. Undefined when the client was refused and told so. */
  async #admit(
    greeting: Greeting,
    protocol: Protocol,
    clientAddress: string,
    signal: AbortSignal,
  ): Promise<LiveSession | undefined> {
    try {
      if (this.#draining) throw draining();
      const principal = await this.#options.verifier.verify(greeting.token);
      const authorization = this.#authorize(principal, greeting.target);
      const secret = await this.#options.secretOf(authorization.target);
      return await this.#begin(authorization, greeting, protocol, clientAddress, secret, signal);
    } catch (thrown) {
      const error = signal.aborted ? asCustodyError(signal.reason) : asCustodyError(thrown);
      greeting.refuse(error);
      this.#options.log('refused', error, { client: clientAddress, target: greeting.target });
      return undefined;
    }
  }

  #authorize(principal: Principal, target: string): Authorization<'connect'> {
    const { policy, wallClock } = this.#options;
    const decision = decide({ policy, principal, action: 'connect', target, now: wallClock() });
    if ('code' in decision) throw refusalError(decision);
    return decision;
  }

  /** The open statement is stored before anything reaches the target. */
  async #begin(
    authorization: Authorization<'connect'>,
    greeting: Greeting,
    protocol: Protocol,
    clientAddress: string,
    secret: string,
    signal: AbortSignal,
  ): Promise<LiveSession> {
    const { target } = authorization;
    const live = new LiveSession(this.#opening(authorization, greeting, protocol, clientAddress));
    const tape = await this.#options.tapes.open(live.opening, {
      ...target.recording,
      onFailure: (error) => live.end('recording-failed', error),
    });
    live.tape = tape;
    try {
      greeting.recordLogin(tape);
      live.start(await greeting.dial(target, secret, tape, signal));
      return live;
    } catch (thrown) {
      const error = signal.aborted ? asCustodyError(signal.reason) : asCustodyError(thrown);
      tape.note({ note: 'login-failed', code: error.code, message: error.message });
      await this.#seal(live, { reason: 'target-refused', detail: error.message });
      throw error;
    }
  }

  #opening(
    { principal, target, rule, policyVersion }: Authorization<'connect'>,
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
      grant: { rule },
      policy: policyVersion,
      gateway: { version, task },
      durability: { mode: target.recording.durability, windowMs: target.recording.windowMs },
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

/** A session from its open statement to its seal. */
class LiveSession {
  readonly opening: Opening;
  tape: SessionTape | undefined;
  #link: Link | undefined;
  #ended: { readonly reason: CloseReason; readonly error: CustodyError } | undefined;

  constructor(opening: Opening) {
    this.opening = opening;
  }

  start(link: Link): void {
    this.#link = link;
    if (this.#ended !== undefined) link.end(this.#ended.reason, this.#ended.error);
  }

  relayed(): ReturnType<Link['relay']> {
    return this.#link!.relay();
  }

  end(reason: CloseReason, error: CustodyError): void {
    this.#ended ??= { reason, error };
    this.#link?.end(reason, error);
  }
}

function addressText({ address }: Target): string {
  return `${address.host}:${address.port}`;
}

function tooSlow(): CustodyError {
  return new CustodyError('too-slow', 'the login took too long', { hint: 'connect again' });
}

function draining(): CustodyError {
  return new CustodyError('draining', 'this gateway is shutting down', { hint: 'connect again' });
}
