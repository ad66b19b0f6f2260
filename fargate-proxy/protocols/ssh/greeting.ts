import type { Authorization } from '#core/access/decide.ts';
import { personOf } from '#core/access/person.ts';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import type { Credential, ProvedKey } from '#core/identity/credential.ts';
import type { LoginProof } from '#core/protocols/ssh/auth/client.ts';
import { loginOf } from '#core/protocols/ssh/protocol.ts';
import type { SshTarget } from '#core/protocols/ssh/schema.ts';
import type { Greeting, Held, Link } from '../../protocol.ts';
import type { SessionTape } from '../../recorder/tapes.ts';
import type { ClientSide } from './client-side.ts';
import type { Shown } from './credential.ts';
import type { Leg } from './leg.ts';
import { sshLink } from './link.ts';
import type { SshOptions } from './options.ts';
import { loginAtTarget, proofBy } from './target-login.ts';
import { namedTarget } from './user-name.ts';
import { wordsOf } from './words.ts';

/** Of the banner that a rerun is shown. */
const OWN_SESSION = 'custody.session=';

export interface GreetingParts {
  readonly client: ClientSide;
  readonly shown: Shown;
  readonly options: SshOptions;
  /** Aborted when the client has waited long enough. */
  readonly signal: AbortSignal;
}

/** An SSH client that has named a target and shown a credential. USERAUTH_SUCCESS is said when the target has let the gateway in. */
export class SshGreeting implements Greeting {
  readonly target: string;
  readonly login?: string;
  readonly credential: Credential;
  readonly device?: ProvedKey;
  readonly client: Greeting['client'];
  readonly ask: Greeting['ask'] = {};
  readonly task?: NonNullable<Greeting['task']>;
  readonly trace?: string;
  readonly #parts: GreetingParts;
  readonly #rerun: string | undefined;
  #refused = false;

  /** Throws `user-missing`. */
  constructor(parts: GreetingParts) {
    this.#parts = parts;
    const { client, shown, signal } = parts;
    const { target, login, task, trace, rerun } = namedTarget(shown.user);
    this.target = target;
    this.#rerun = rerun;
    if (login !== undefined) this.login = login;
    if (task !== undefined) this.task = task;
    if (trace !== undefined) this.trace = trace;
    this.credential = shown.credential;
    if (shown.device !== undefined) this.device = shown.device;
    this.client = { user: shown.user, application: client.leg.transport.keys!.peerVersion };
    signal.addEventListener('abort', () => this.refuse(asCustodyError(signal.reason)), { once: true });
  }

  get gone(): boolean {
    return this.#parts.client.left.aborted;
  }

  /** SSH has no word for it: a client learns that it is let in at the end. */
  identified(): void {}

  notify(message: string, hint: string): void {
    this.#parts.client.tell(wordsOf({ message, hint }));
  }

  refuse(error: CustodyError): void {
    if (this.#refused) return;
    this.#refused = true;
    this.#parts.client.refuse(error);
  }

  recordLogin(tape: SessionTape): void {
    const { client, shown } = this.#parts;
    const { kex, cipher, peerVersion } = client.leg.transport.keys!;
    tape.note({
      note: 'ssh-login',
      by: shown.way,
      user: shown.user,
      client: peerVersion,
      kex,
      cipher: cipher.toServer,
    });
    client.transcript.playOnto(tape);
  }

  async dial(
    permission: Authorization<'connect'>,
    secret: string | undefined,
    tape: SessionTape,
    signal: AbortSignal,
    held: Held,
  ): Promise<Link> {
    const { client, options } = this.#parts;
    const target = permission.target as SshTarget;
    refuseRerun(this.#rerun, target);
    if (this.#rerun !== undefined) tape.note({ note: 'rerun', of: this.#rerun });
    if (this.#rerun !== undefined) client.tell(`${OWN_SESSION}${tape.session}\r\n`);
    const login = loginOf(target, this.login);
    const until = AbortSignal.any([signal, client.left]);
    const proof = await this.#proof(permission, login, secret, tape.session);
    const leg = await loginAtTarget({ target, login, proof }, until, options);
    try {
      until.throwIfAborted();
      return this.#link(permission, leg, tape, held);
    } catch (error) {
      leg.destroy();
      throw error;
    }
  }

  async #proof(
    { target, principal }: Authorization<'connect'>,
    login: string,
    secret: string | undefined,
    session: string,
  ): Promise<LoginProof> {
    if (secret !== undefined) return proofBy(target as SshTarget, login, secret);
    const { targetCertificate } = this.#parts.options;
    if (targetCertificate === undefined) throw noTargetCa(target.name);
    const [person, now] = [personOf(principal), this.#parts.options.wallClock()];
    const made = await targetCertificate({ target: target.name, login, session, person, now });
    return { kind: 'certificate', ...made };
  }

  #link(permission: Authorization<'connect'>, target: Leg, tape: SessionTape, held: Held): Link {
    const { client, shown, options } = this.#parts;
    const { keepAlive } = permission.target as SshTarget;
    client.accept();
    for (const leg of [client.leg, target]) leg.keepAlive(keepAlive);
    return sshLink({
      client: client.leg,
      target,
      tape,
      memory: options.memory,
      permission,
      ...shown.terms,
      claim: () => held.claim(),
      task: held.task,
      release: () => undefined,
    });
  }
}

/** What is run again goes to a sandbox and nowhere else, whatever whoever sends it has looked at (security case 9). */
function refuseRerun(rerun: string | undefined, { name, sandbox }: SshTarget): void {
  if (rerun === undefined || sandbox !== undefined) return;
  throw new CustodyError('access-denied', `${name} is no sandbox, and a session is run again nowhere else`);
}

function noTargetCa(name: string): CustodyError {
  return new CustodyError('target-refused', `the gateway has no CA for the target "${name}"`, {
    hint: 'tell whoever runs the gateway',
    detail: 'logins with certificate: true need the CA for targets',
  });
}
