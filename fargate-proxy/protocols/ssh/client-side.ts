/** The client's connection, from its accept to the relay: what it says to log in, and what it is told. */
import type { Socket } from 'node:net';
import { certificateUse } from '#core/access/ssh-certificates/verifier.ts';
import { CustodyError } from '#core/errors.ts';
import { AuthMessage } from '#core/protocols/ssh/auth/messages.ts';
import { AuthServer } from '#core/protocols/ssh/auth/server.ts';
import type { SshPublicKey } from '#core/protocols/ssh/keys/public-key.ts';
import { SIGNATURE_ALGORITHMS } from '#core/protocols/ssh/keys/signature.ts';
import type { AgreedKeys, HostKey } from '#core/protocols/ssh/transport/types.ts';
import { Leg, type LegEars, type LegEnding, type LegMemory, Reason } from './leg.ts';
import { LoginTranscript } from './transcript.ts';
import { lineOf, wordsOf } from './words.ts';

/** What clients may rely on (RFC 8308 section 3.1; OpenSSH's PROTOCOL, section 3.1). */
const EXTENSIONS = [
  ['server-sig-algs', SIGNATURE_ALGORITHMS.join(',')],
  ['publickey-hostbound@openssh.com', '0'],
] as const;

export interface ClientSideOptions extends LegMemory {
  readonly hostKeys: readonly HostKey[];
  /** Milliseconds, of a clock that does not jump. */
  readonly now: () => number;
  readonly wallClock: () => Date;
  /** Whose certificates are believed now. */
  readonly userCas: () => readonly SshPublicKey[];
  readonly devices?: DeviceKeys | undefined;
}

/** Keys of people's devices: half a login, and never more. */
export interface DeviceKeys {
  /**
   * Whether plain keys are asked for a signature at all. It says so of all or of none: an answer that went by the key would tell
   * strangers whose keys are registered.
   */
  wanted(): boolean;
  /** Whether a key that was proved is a registered device's, by its fingerprint. */
  has(key: string): Promise<boolean>;
}

export class ClientSide implements LegEars {
  readonly leg: Leg;
  readonly transcript = new LoginTranscript();
  readonly #options: ClientSideOptions;
  readonly #address: string | undefined;
  readonly #left = new AbortController();
  readonly #keyed = Promise.withResolvers<AuthServer>();
  #auth: AuthServer | undefined;

  constructor(socket: Socket, options: ClientSideOptions) {
    this.#options = options;
    this.#address = socket.remoteAddress;
    this.#keyed.promise.catch(() => undefined);
    const { hostKeys, now } = options;
    this.leg = Leg.server(socket, { hostKeys, now, extensions: EXTENSIONS }, options, this);
  }

  /** Aborted when nothing more is to be expected of the client. */
  get left(): AbortSignal {
    return this.#left.signal;
  }

  /** What it says to log in, once it can say it. Rejects with `peer-left`, `protocol-violation`. */
  get authentication(): Promise<AuthServer> {
    return this.#keyed.promise;
  }

  keyed({ sessionId, hostKey }: AgreedKeys): void {
    if (this.#auth !== undefined) return;
    const { userCas, wallClock, devices } = this.#options;
    const address = this.#address;
    this.#auth = new AuthServer(
      { sessionId, hostKey },
      {
        send: (payload) => this.#say(payload),
        certificates: () => certificateUse(userCas(), wallClock(), address),
        isDevice: async () => devices?.wanted() === true,
      },
    );
    this.#keyed.resolve(this.#auth);
  }

  message(payload: Uint8Array): void {
    // The transport keeps what the client says that it can (RFC 8308).
    if (payload[0] === AuthMessage.extInfo) return;
    this.transcript.client(payload);
    this.#auth!.receive(payload);
  }

  ended(end: LegEnding): void {
    const error = end.by === 'violation' ? end.error : clientLeft();
    this.#left.abort(error);
    this.#auth?.close(error);
    this.#keyed.reject(error);
  }

  /** Shows words to the person, before the login is over. */
  tell(words: string): void {
    if (!this.leg.over) this.#auth?.tell(words);
  }

  /** Says why not, and closes. */
  refuse(error: CustodyError): void {
    if (error.code !== 'peer-left') this.tell(wordsOf(error));
    this.leg.disconnect(Reason.byApplication, lineOf(error));
    this.ended({ by: 'close' });
  }

  /** Lets it in. From here on nobody listens, until the relay does. Throws `peer-left`. */
  accept(): void {
    this.left.throwIfAborted();
    this.leg.park();
    this.#auth!.accept();
  }

  #say(payload: Uint8Array): void {
    this.transcript.gateway(payload);
    this.leg.send(payload);
  }
}

function clientLeft(): CustodyError {
  return new CustodyError('peer-left', 'the client went away during the login');
}
