/** The sessions of a gateway's clients, by who calls whom with which credential. */
import { createHash } from 'node:crypto';
import { CustodyError } from '#core/errors.ts';
import type { ClientConnection } from './client-connection.ts';
import { CallGreeting } from './greeting.ts';
import type { NamedCluster } from './named-cluster.ts';
import type { Knock } from './knock.ts';
import type { KubernetesOptions, SessionLimits } from './options.ts';
import type { CallSession, Relays } from './session.ts';
import type { SiftedHead } from './sifted-head.ts';

/** What a connection's call showed last, and the session that it is of. */
interface Shown {
  readonly authorization: string;
  readonly target: string;
  readonly prefix: string;
  readonly session: CallSession;
}

interface Opening {
  readonly greeting: CallGreeting;
  readonly session: Promise<CallSession>;
}

interface Away {
  readonly error: CustodyError;
  readonly until: number;
}

export class CallSessions {
  readonly #options: KubernetesOptions;
  readonly #limits: SessionLimits;
  readonly #relays: Relays;
  /** What the last call of a connection showed: the next one mostly shows the same, in the same words. */
  readonly #shown = new WeakMap<ClientConnection, Shown>();
  readonly #live = new Map<string, CallSession>();
  readonly #opening = new Map<string, Opening>();
  /** Whom an operator sent away: with the same credential they would be back at once. */
  readonly #away = new Map<string, Away>();

  constructor(options: KubernetesOptions, limits: SessionLimits, relays: Relays) {
    this.#options = options;
    this.#limits = limits;
    this.#relays = relays;
  }

  /** The session that the very same words were good for on this connection. Hot. */
  known(
    connection: ClientConnection,
    { authorization }: SiftedHead,
    { target, prefix }: NamedCluster,
  ): CallSession | undefined {
    const last = this.#shown.get(connection);
    if (last === undefined || !last.session.open) return undefined;
    const isSame = last.authorization === authorization && last.prefix === prefix && last.target === target;
    return isSame ? last.session : undefined;
  }

  /** One that is there, or a new one. Rejects with the words for the client. */
  async sessionFor(knock: Knock): Promise<CallSession> {
    const { connection } = knock.asking;
    const key = keyOf(knock);
    this.#refuseAway(key);
    const session = this.#live.get(key) ?? (await this.#opened(key, knock));
    connection.join();
    this.#shown.set(connection, {
      authorization: knock.head.authorization!,
      target: knock.cluster.target,
      prefix: knock.cluster.prefix,
      session,
    });
    return session;
  }

  /** No more calls come: it ends with the last one that runs. False where there is none. */
  leave(knock: Knock): boolean {
    const session = this.#live.get(keyOf(knock));
    session?.leave();
    return session !== undefined;
  }

  /** The gateway drains: calls in progress go on, and sessions end with the last of them. */
  drain(): void {
    for (const session of this.#live.values()) session.drain();
  }

  #opened(key: string, knock: Knock): Promise<CallSession> {
    const opening = this.#opening.get(key) ?? this.#open(key, knock);
    opening.greeting.alsoFor(knock.asking);
    return opening.session;
  }

  #open(key: string, knock: Knock): Opening {
    const greeting = new CallGreeting({
      ...knock,
      options: this.#options,
      limits: this.#limits,
      relays: this.#relays,
      onClosed: (session, away) => this.#closed(key, session, away),
    });
    const session = this.#begun(key, greeting, knock.asking.connection).finally(() =>
      this.#opening.delete(key),
    );
    const opening = { greeting, session };
    this.#opening.set(key, opening);
    return opening;
  }

  async #begun(key: string, greeting: CallGreeting, { reception }: ClientConnection): Promise<CallSession> {
    const id = await reception.begin(greeting);
    const { session, refusal } = greeting;
    if (id === undefined || session === undefined) throw refusal ?? ended();
    if (session.open) this.#live.set(key, session);
    if (reception.drains.aborted) session.drain();
    return session;
  }

  #closed(key: string, session: CallSession, away: CustodyError | undefined): void {
    if (this.#live.get(key) === session) this.#live.delete(key);
    if (away === undefined) return;
    const until = this.#options.wallClock().getTime() + this.#limits.awayMs;
    this.#away.set(key, { error: away, until });
    this.#options.after(this.#limits.awayMs, () => this.#away.delete(key));
  }

  #refuseAway(key: string): void {
    const away = this.#away.get(key);
    if (away !== undefined && away.until > this.#options.wallClock().getTime()) throw away.error;
  }
}

/**
 * Nobody joins a session who could not have opened it: the token, the key that this very connection proved, and where it comes from are
 * those of whoever did (security cases 13 and 14). No id of a session is ever taken from a client.
 */
function keyOf({ asking: { connection }, cluster, token }: Knock): string {
  const { device, network } = connection;
  const facts = [token, device?.thumbprint ?? null, network, cluster.target, cluster.prefix];
  return createHash('sha256').update(JSON.stringify(facts)).digest('base64');
}

function ended(): CustodyError {
  return new CustodyError('access-denied', 'the session ended before it began', { hint: 'try again' });
}
