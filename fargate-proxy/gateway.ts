import type { Socket } from 'node:net';
import type { Target } from '#core/access/config.ts';
import type { Authorization } from '#core/access/decide.ts';
import { nameOf } from '#core/access/person.ts';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import type { Principal } from '#core/identity/principal.ts';
import type { SecretReference } from '#core/protocols/protocol.ts';
import { protocolOf } from '#core/protocols/protocols.ts';
import type { CloseReason } from '#core/recording/format.ts';
import { type Placed, placed } from '#core/sandboxes/door.ts';
import type { SandboxStore } from '#core/sandboxes/ports.ts';
import { begun } from '#core/side-by-side.ts';
import type { TaskSessions } from '#core/tasks/task-sessions.ts';
import { untilEither } from '#core/until-either.ts';
import type { Admission, Visitor } from './admission.ts';
import type { Conversing } from './dead-peers.ts';
import { crowdedOut, type Door, type Place } from './door.ts';
import { LiveSession } from './live-session.ts';
import type { Log } from './log.ts';
import { LoginClock } from './login-clock.ts';
import { type ModerationPorts, untilWatched } from './moderation.ts';
import { openingOf } from './opening.ts';
import type { CallProtocol, Greeting, Link, Protocol, Reception } from './protocol.ts';
import type { Tapes } from './recorder/tapes.ts';
import type { Watched } from './session-watch.ts';
import type { WaitingRoom } from './waiting-room.ts';
import type { Ends } from './wire/unanswered.ts';

/** For a person who confirms a login in a browser. */
const CONFIRMING_MS = 10 * 60_000;

export interface GatewayOptions {
  /** How many may be here at once. */
  readonly door: Door;
  readonly admission: Admission;
  readonly tapes: Tapes;
  readonly tasks: TaskSessions;
  /** A credential of the target, as its protocol refers to it. Rejects with a clear error when it cannot be had. */
  readonly secretOf: (target: Target, reference: SecretReference) => Promise<string>;
  /** Where targets are that were made. */
  readonly sandboxes: Pick<SandboxStore, 'get' | 'present'>;
  readonly waitingRoom: WaitingRoom;
  /** Who watches sessions that wait for somebody to do so. */
  readonly moderation: ModerationPorts;
  readonly version: string;
  readonly task: string;
  /** From accept to relay, milliseconds: greeting, token and target login together, but not a wait for reviewers. */
  readonly loginMs: number;
  /** How long a client may leave bytes that were sent to it without an answer, milliseconds. */
  readonly userTimeoutMs: number;
  readonly log: Log;
  readonly wallClock: () => Date;
}

/** For clients to hear why their sessions ended, and to close. */
const GOODBYE_MS = 2_000;

/** Every session of this task. One client connection is one call of `serve`. */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #live = new Set<LiveSession>();
  readonly #serving = new Set<Promise<void>>();
  #draining = false;
  readonly #drains = new AbortController();
  /** Connections that sessions come and go on. */
  readonly #conversing = new Set<Socket>();

  constructor(options: GatewayOptions) {
    this.#options = options;
  }

  /** Sessions being relayed now. */
  get sessions(): ReadonlySet<Watched & Conversing> {
    return this.#live;
  }

  /** The life of a connection. Never rejects: whatever goes wrong is told to the client and the log. */
  serve(protocol: Protocol | CallProtocol, socket: Socket): void {
    const place = this.#options.door.enter(socket);
    const served =
      'greet' in protocol ? this.#serve(protocol, socket, place) : this.#converse(protocol, socket, place);
    void this.#keep(served).finally(() => place.release());
  }

  /** Until it is over the gateway is not drained. */
  #keep(serving: Promise<void>): Promise<void> {
    const served = serving.catch((error: unknown) => {
      this.#options.log('session-error', asCustodyError(error));
    });
    this.#serving.add(served);
    return served.finally(() => this.#serving.delete(served));
  }

  /** No new sessions; running ones go on for `deadlineMs`, then end with a clear error, sealed. */
  async drain(deadlineMs: number): Promise<void> {
    this.#draining = true;
    this.#drains.abort(draining());
    this.#options.admission.close(draining());
    const deadline = setTimeout(() => this.#endAll(), deadlineMs);
    const goodbye = setTimeout(() => this.#cutAll(), deadlineMs + GOODBYE_MS);
    while (this.#serving.size > 0) await Promise.allSettled(this.#serving);
    clearTimeout(deadline);
    clearTimeout(goodbye);
  }

  async #serve(protocol: Protocol, socket: Socket, place: Place): Promise<void> {
    const session = await this.#login(protocol, socket, place);
    if (session !== undefined) await this.#hold(session);
  }

  /** Sessions begin and end on the way, and outlive it. */
  async #converse(protocol: CallProtocol, socket: Socket, place: Place): Promise<void> {
    const clock = new LoginClock(this.#options.loginMs);
    this.#conversing.add(socket);
    try {
      await protocol.converse(socket, this.#receptionOf(protocol, socket, place, clock));
    } finally {
      this.#conversing.delete(socket);
      clock.stop();
    }
  }

  #receptionOf({ name }: CallProtocol, socket: Socket, place: Place, clock: LoginClock): Reception {
    const knocking = knockingOf(socket, place);
    return {
      client: knocking.client,
      signal: clock.signal,
      drains: this.#drains.signal,
      begin: async (greeting) => {
        // Of its own: others may be on this connection already.
        const login = new LoginClock(this.#options.loginMs);
        try {
          const live = await this.#admit({ greeting, clock: login, protocol: name, ...knocking });
          if (place.isInside) clock.stop();
          if (live !== undefined) void this.#keep(this.#hold(live));
          return live?.opening.session;
        } finally {
          login.stop();
        }
      },
      join: () => {
        place.goIn();
        clock.stop();
      },
      refused: (error, facts) => this.#sayRefused(knocking, error, facts),
    };
  }

  /** Everything up to the relay, in bounded time. What only the login needed is garbage when it returns. */
  async #login(protocol: Protocol, socket: Socket, place: Place): Promise<LiveSession | undefined> {
    const clock = new LoginClock(this.#options.loginMs);
    const knocking = knockingOf(socket, place);
    try {
      const greeting = await this.#greet(protocol, socket, clock, knocking);
      if (greeting === undefined) return undefined;
      return await this.#admit({ greeting, clock, protocol: protocol.name, ...knocking });
    } finally {
      clock.stop();
    }
  }

  /** Undefined when the connection was no login, or the peer was refused and told so. */
  async #greet(
    protocol: Protocol,
    socket: Socket,
    clock: LoginClock,
    knocking: Knocking,
  ): Promise<Greeting | undefined> {
    try {
      return await protocol.greet(socket, {
        signal: clock.signal,
        whileConfirming: (work) => this.#whileConfirming(clock, work),
      });
    } catch (thrown) {
      this.#sayRefused(knocking, clock.signal.aborted ? clock.signal.reason : thrown);
      return undefined;
    }
  }

  /** A person confirms a login in a browser. The clock has another limit meanwhile, and counts anew afterwards. */
  async #whileConfirming<T>(clock: LoginClock, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const leave = this.#options.waitingRoom.enter();
    clock.restart(CONFIRMING_MS, notConfirmed);
    try {
      if (this.#draining) throw draining();
      return await work(AbortSignal.any([clock.signal, this.#drains.signal]));
    } finally {
      leave();
      clock.restart();
    }
  }

  /** Identify, authorize, open, dial. Undefined when the client was refused and told so. */
  async #admit(visitor: AtTheDoor): Promise<LiveSession | undefined> {
    const { greeting, clock, network, protocol } = visitor;
    let who: string | undefined;
    const goIn = (principal: Principal): void => {
      who = nameOf(principal);
      visitor.place.goIn();
    };
    try {
      if (this.#draining) throw draining();
      const admitted = await this.#options.admission.admit({ greeting, network, clock, protocol, goIn });
      const found = await this.#placed(admitted, greeting);
      const { permission } = found;
      const live = this.#sessionOf(found, visitor);
      live.task = await this.#taskOf(permission, live);
      const link = await this.#begin(live, permission, greeting, clock);
      if (link.target !== undefined) visitor.place.alsoHolds(link.target);
      return live;
    } catch (thrown) {
      const error = clock.signal.aborted ? asCustodyError(clock.signal.reason) : asCustodyError(thrown);
      greeting.refuse(error);
      this.#sayRefused(visitor, error, { target: greeting.target, who });
      return undefined;
    }
  }

  /** Of a target that is made, which of them: nothing else says where to go (security case 9). */
  #placed(permission: Authorization<'connect'>, { sandbox }: Greeting): Promise<Placed> {
    const { sandboxes, wallClock } = this.#options;
    return placed(permission, sandbox, sandboxes, wallClock());
  }

  /** By reference: the protocol knows which one, and nobody else what it is for. */
  async #secretFor(target: Target, login: string | undefined): Promise<string | undefined> {
    const reference = protocolOf(target).secretFor(target, login);
    return reference && (await this.#options.secretOf(target, reference));
  }

  /** The one that is current by now, else the one that a rotation is about to make so. */
  async #rotatedSecret(target: Target, login: string | undefined, used: string): Promise<string | undefined> {
    const { secretOf } = this.#options;
    const reference = protocolOf(target).secretFor(target, login);
    if (reference?.kind !== 'file' && reference?.kind !== 'secret') return undefined;
    const current = await secretOf(target, reference);
    if (current !== used || reference.kind === 'file') return current === used ? undefined : current;
    const pending = await secretOf(target, { ...reference, stage: 'pending' }).catch(() => undefined);
    return pending === used ? undefined : pending;
  }

  #sessionOf({ permission, sandbox }: Placed, { greeting, client, ends }: AtTheDoor): LiveSession {
    const { version, task, wallClock, userTimeoutMs } = this.#options;
    const opening = openingOf(permission, {
      greeting,
      address: client,
      ...(sandbox === undefined ? {} : { sandbox }),
      gateway: { version, task },
      now: wallClock(),
    });
    return new LiveSession(opening, permission, {
      who: 'client',
      ends,
      userTimeoutMs,
    });
  }

  /** What a session that is a task is held to; known before anything of it is opened. */
  #taskOf(permission: Authorization<'connect'>, live: LiveSession): ReturnType<TaskSessions['open']> {
    const { session, startedAt } = live.opening;
    return this.#options.tasks.open(permission, {
      session,
      startedAt: new Date(startedAt),
      note: (note) => live.tape?.note(note),
      ended: live.ended,
    });
  }

  /** Whoever looks whether a port is open, or goes to ask a person for the password, was refused nothing. */
  #sayRefused(
    { place, client }: Knocking,
    thrown: unknown,
    facts: { readonly target?: string; readonly who?: string | undefined } = {},
  ): void {
    const { log } = this.#options;
    const error = place.wasPushedOut ? crowdedOut() : asCustodyError(thrown);
    if (error.code === 'peer-left') log('peer-left', undefined, { client, ...facts });
    else if (place.isInside) log('refused', error, { client, ...facts });
    else log('peer-refused', error, { client, ...facts });
  }

  /**
   * The open statement is stored, and what the grant rests on is told, before anything reaches the target. The credential is fetched
   * meanwhile; not where somebody has to come and watch first, who may take longer than it lasts.
   */
  async #begin(
    live: LiveSession,
    permission: Authorization<'connect'>,
    greeting: Greeting,
    clock: LoginClock,
  ): Promise<Link> {
    const fetched = (): Promise<string | undefined> => this.#secretFor(permission.target, greeting.login);
    const secret = permission.terms.moderated === undefined ? begun(fetched()) : undefined;
    const told = begun(this.#options.admission.tell(permission));
    const tape = await this.#options.tapes.open(live.opening, {
      ...permission.target.recording,
      onFailure: live.recordingFailed,
    });
    live.tape = tape;
    this.#live.add(live);
    try {
      await told;
      greeting.recordLogin(tape);
      await this.#untilWatched(live, permission, greeting, clock);
      const claim = (): Promise<void> => this.#options.admission.claim(permission, live.opening.session);
      // How slow a target may be is the target's own; the client has done its part.
      clock.restart(permission.target.connect.timeout, () => targetTooSlow(permission.target));
      const rotated = (used: string): Promise<string | undefined> =>
        this.#rotatedSecret(permission.target, greeting.login, used);
      const held = {
        claim,
        secret: fetched,
        rotated,
        ...(live.task === undefined ? {} : { task: live.task }),
      };
      const link = await untilEither(clock.signal, live.ended, async (until) =>
        greeting.dial(permission, await (secret ?? fetched()), tape, until, held),
      );
      live.start(link);
      return link;
    } catch (thrown) {
      this.#live.delete(live);
      const error = asCustodyError(thrown);
      tape.note({ note: 'login-failed', code: error.code, message: error.message });
      await this.#seal(live, { reason: live.reason ?? failedLogin(error), detail: error.message });
      throw error;
    }
  }

  /** Where the rule wants somebody to watch: the client waits for them, opened and recorded, and nothing has reached the target. */
  async #untilWatched(
    live: LiveSession,
    { terms: rule, target, principal }: Authorization<'connect'>,
    greeting: Greeting,
    clock: LoginClock,
  ): Promise<void> {
    if (rule.moderated === undefined) return;
    const leave = this.#options.waitingRoom.enter();
    clock.stop();
    try {
      const waiting = {
        session: live.opening.session,
        target: target.name,
        principal,
        rule,
        moderation: live.moderation,
        gone: () => greeting.gone,
        notify: (...words: Parameters<Greeting['notify']>) => greeting.notify(...words),
        note: (fact: Parameters<NonNullable<LiveSession['tape']>['note']>[0]) => live.tape!.note(fact),
        ended: AbortSignal.any([live.ended, this.#drains.signal]),
      };
      await untilWatched(waiting, this.#options.moderation);
    } catch (thrown) {
      const error = asCustodyError(thrown);
      if (error.code === 'approval-required') live.end('unwatched', error);
      throw error;
    } finally {
      leave();
      clock.restart();
    }
  }

  async #hold(live: LiveSession): Promise<void> {
    this.#live.add(live);
    try {
      await this.#seal(live, await live.relayed());
    } finally {
      this.#live.delete(live);
    }
  }

  /** A session that cannot be sealed now is tried again by the recorder, and at the latest sealed by the sealer or the next start. */
  async #seal(
    live: LiveSession,
    ending: { readonly reason: CloseReason; readonly detail?: string },
  ): Promise<void> {
    const endedAt = this.#options.wallClock().toISOString();
    live.task?.finish();
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

  /** A client that does not close, or whose end was never read, would hold the gateway for ever. */
  #cutAll(): void {
    for (const socket of this.#conversing) socket.destroy();
  }
}

/** Somebody who has connected. */
interface Knocking {
  readonly place: Place;
  readonly client: string;
  readonly network: string | undefined;
  readonly ends: Ends;
}

function knockingOf(socket: Socket, place: Place): Knocking {
  const { localAddress, localPort, remoteAddress: network, remotePort } = socket;
  const ends = { localAddress, localPort, remoteAddress: network, remotePort };
  return { place, client: `${network}:${remotePort}`, network, ends };
}

/** A client that has greeted, and the clock that its login runs against. */
type AtTheDoor = Visitor & Knocking & { readonly clock: LoginClock };

/** What became of a session that was opened and never relayed. */
function failedLogin({ code }: CustodyError): CloseReason {
  switch (code) {
    case 'peer-left':
      return 'client-lost';
    case 'target-refused':
    case 'target-unreachable':
    case 'target-lost':
    case 'not-approved':
    case 'recording-failed':
      return code;
    default:
      return 'gateway-failed';
  }
}

function targetTooSlow({ name, connect }: Target): CustodyError {
  const seconds = connect.timeout / 1000;
  return new CustodyError(
    'target-unreachable',
    `the target "${name}" did not complete the login within ${seconds} s`,
    { hint: 'the gateway is up; the target is slow: connect again, or have connect.timeout raised for it' },
  );
}

function notConfirmed(): CustodyError {
  return new CustodyError('too-slow', 'nobody confirmed the login in time', { hint: 'connect again' });
}

function draining(): CustodyError {
  return new CustodyError('draining', 'this gateway is shutting down', { hint: 'connect again' });
}
