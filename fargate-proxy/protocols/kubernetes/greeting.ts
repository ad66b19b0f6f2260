import type { Authorization } from '#core/access/decide.ts';
import { CustodyError } from '#core/errors.ts';
import type { Credential, ProvedKey } from '#core/identity/credential.ts';
import { impersonationOf } from '#core/protocols/kubernetes/impersonation.ts';
import type { KubernetesTarget } from '#core/protocols/kubernetes/schema.ts';
import type { Greeting, Held, Link } from '../../protocol.ts';
import type { SessionTape } from '../../recorder/tapes.ts';
import type { Asking } from './asking.ts';
import { CallTape, type RecordSpace } from './call-tape.ts';
import type { KubernetesOptions, SessionLimits } from './options.ts';
import { CallSession, type Relays } from './session.ts';
import type { Knock } from './knock.ts';
import { Upstream } from './upstream.ts';

export interface GreetingParts extends Knock {
  readonly options: KubernetesOptions;
  readonly limits: SessionLimits;
  readonly relays: Relays;
  readonly onClosed: (session: CallSession, away: CustodyError | undefined) => void;
}

/** A client's first call, and those that come while it waits: they are served once the session is there. */
export class CallGreeting implements Greeting {
  readonly target: string;
  readonly credential: Credential;
  readonly device?: ProvedKey;
  readonly client: Greeting['client'];
  readonly ask: Greeting['ask'];
  readonly task?: NonNullable<Greeting['task']>;
  readonly trace?: string;
  readonly #parts: GreetingParts;
  readonly #waiting = new Set<Asking>();
  /** Made by `dial`. */
  session: CallSession | undefined;
  /** What `refuse` was told. */
  refusal: CustodyError | undefined;
  /** What a client that waits would be told, had HTTP words for it. */
  told: string | undefined;

  constructor(parts: GreetingParts) {
    const { asking, head, cluster, token } = parts;
    this.#parts = parts;
    this.target = cluster.target;
    this.credential = { kind: 'token', token };
    this.client = head.userAgent === undefined ? {} : { application: head.userAgent };
    const { reason, ticket, task } = cluster;
    this.ask = { ...(reason === undefined ? {} : { reason }), ...(ticket === undefined ? {} : { ticket }) };
    if (asking.connection.device !== undefined) this.device = asking.connection.device;
    if (task !== undefined) this.task = task;
    if (head.trace !== undefined) this.trace = head.trace;
  }

  /** Another call waits for the same session. */
  alsoFor(asking: Asking): void {
    this.#waiting.add(asking);
  }

  get gone(): boolean {
    for (const asking of this.#waiting) if (!asking.gone) return false;
    return true;
  }

  /** A call is answered once, at its end. */
  identified(): void {}

  notify(message: string, hint: string): void {
    this.told = `${message} (${hint})`;
  }

  refuse(error: CustodyError): void {
    this.refusal ??= error;
  }

  recordLogin(tape: SessionTape): void {
    const { asking, head } = this.#parts;
    const { secure } = asking.connection;
    tape.note({
      note: 'kubernetes-login',
      http: asking.http,
      tls: secure.getProtocol(),
      ...(head.userAgent === undefined ? {} : { userAgent: head.userAgent }),
    });
  }

  async dial(
    permission: Authorization<'connect'>,
    secret: string | undefined,
    tape: SessionTape,
    signal: AbortSignal,
    held: Held,
  ): Promise<Link> {
    const { options, limits, relays, onClosed } = this.#parts;
    const target = permission.target as KubernetesTarget;
    if (secret === undefined) throw noCredential(target.name);
    const impersonation = impersonationOf(permission, tape.session);
    const upstream = await Upstream.dial(
      {
        target,
        secret,
        again: () => held.secret(),
        calls: limits.calls,
        freshMs: limits.freshMs,
        now: () => options.wallClock().getTime(),
      },
      signal,
    );
    const session: CallSession = new CallSession({
      permission,
      target,
      records: new CallTape(tape, this.#space),
      upstream,
      judge: options.judgeOf({
        session: tape.session,
        permission,
        claim: () => held.claim(),
        task: held.task,
        note: (fact) => tape.note(fact),
        end: (reason, error) => session.end(reason, error),
      }),
      impersonation,
      options,
      limits,
      relays,
      userTimeoutMs: options.userTimeoutMs,
      onClosed,
    });
    this.session = session;
    return session;
  }

  get #space(): RecordSpace {
    return this.#parts.options.space;
  }
}

function noCredential(name: string): CustodyError {
  return new CustodyError('target-refused', `the gateway has no credential for the target "${name}"`, {
    hint: 'tell whoever runs the gateway',
  });
}
