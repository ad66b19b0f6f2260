/** The server's side of user authentication (RFC 4252, RFC 4256): what the client says in, what it proved out. */
import { CustodyError } from '#core/errors.ts';
import type { ProvedKey } from '#core/identity/credential.ts';
import { printable } from '#core/printable.ts';
import type { SshCertificate } from '../keys/certificate.ts';
import {
  type CertificateTerms,
  type CertificateUse,
  certificateProblem,
  checkCertificate,
} from '../keys/certificate-check.ts';
import { violation } from '../wire.ts';
import { Dialogue } from './dialogue.ts';
import { type KeyProof, type OfferedKey, proveKey, readKeyRequest } from './key-request.ts';
import * as messages from './messages.ts';

const { AuthMessage, CONNECTION, HOSTBOUND, USERAUTH } = messages;

export interface AuthServerPort {
  /** Not touched afterwards, and may be kept. */
  send(payload: Uint8Array): void;
  /** Whose certificates are good for this user name, now. */
  certificates(user: string): CertificateUse;
  /** Whether the key is a registered device's, so that its signature is worth asking for. Its answer is no proof of anything. */
  isDevice(user: string, key: OfferedKey['key']): Promise<boolean>;
}

export interface AuthServerOptions {
  readonly sessionId: Uint8Array;
  /** The host key as the key exchange showed it; with it a client may bind its signature to it. */
  readonly hostKey?: Uint8Array;
  /** Shown before anything else. */
  readonly banner?: string;
  readonly triesMax?: number;
}

/**
 * What the client proved. Each is answered by one call: `accept`, `refuse`, or, of a device's key, `goOn`. `device` is a key that was
 * proved before it on the same connection.
 */
export type Attempt = {
  readonly user: string;
  readonly device?: KeyProof;
} & (
  | {
      readonly kind: 'certificate';
      readonly certificate: SshCertificate;
      readonly terms: CertificateTerms;
      readonly proof: KeyProof;
    }
  /** Of a device, and never enough. */
  | { readonly kind: 'key'; readonly proof: KeyProof }
  /** Nothing is proved yet: it has to be verified. */
  | { readonly kind: 'password'; readonly password: string }
  | { readonly kind: 'interactive'; readonly dialogue: Dialogue }
);

const TRIES_MAX = 6;
/** Agents hold many keys: to offer one that is not welcome is cheap, and no guess. */
const OFFERS_MAX = 64;
const BYTES_MAX = 512 << 10;
const WAITING_MAX = 16;
const METHODS = ['publickey', 'keyboard-interactive', 'password'];

export class AuthServer {
  readonly #options: AuthServerOptions;
  readonly #port: AuthServerPort;
  readonly #waiting: Uint8Array[] = [];
  #wake: (() => void) | undefined;
  #closed: CustodyError | undefined;
  #phase: 'service' | 'requests' | 'accepted' = 'service';
  #user: string | undefined;
  #current: Attempt | undefined;
  #dialogue: Dialogue | undefined;
  /** Answers that abandoned dialogues are still owed. */
  #late = 0;
  #device: KeyProof | undefined;
  #bytes = 0;
  #tries = 0;
  #offers = 0;
  #askedNone = false;
  #told: string | undefined;

  constructor(options: AuthServerOptions, port: AuthServerPort) {
    this.#options = options;
    this.#port = port;
  }

  /** A message of the client's with a number below 80. Throws `protocol-violation`, after which nothing may be called. */
  receive(payload: Uint8Array): void {
    // RFC 4252 section 5.3: what comes after success is ignored.
    if (this.#phase === 'accepted') return;
    this.#bytes += payload.length;
    if (this.#bytes > BYTES_MAX) throw violation('the client said too much before it had logged in');
    if (payload[0] === AuthMessage.infoResponse) this.#answered(payload);
    else this.#enqueue(Uint8Array.from(payload));
  }

  /** The client is gone, or has to go: whatever waits ends with `error`. */
  close(error: CustodyError): void {
    this.#closed ??= error;
    this.#dialogue?.abandon();
    this.#wake?.();
  }

  /**
   * What the client proves next. Rejects with `protocol-violation`, `too-many-failures`, or what `close` was told. The attempt
   * before it has been answered.
   */
  async next(): Promise<Attempt> {
    if (this.#current !== undefined)
      throw new CustodyError('internal', 'an attempt to log in was not answered');
    for (;;) {
      const payload = await this.#take();
      const attempt = await this.#read(payload);
      if (attempt === undefined) continue;
      this.#current = attempt;
      this.#dialogue = attempt.kind === 'interactive' ? attempt.dialogue : undefined;
      // A client that did not wait has turned away already.
      if (this.#waiting.length > 0) this.#abandonDialogue();
      if (this.#current !== undefined) return attempt;
    }
  }

  /** Logs the client in. Throws for a device's key, which is never enough (security case 3), and when the client has turned away. */
  accept(): void {
    if (this.#current === undefined)
      throw new CustodyError('peer-left', 'the client turned to something else');
    if (this.#current.kind === 'key') throw new CustodyError('internal', 'a key alone logs nobody in');
    this.#current = undefined;
    this.#phase = 'accepted';
    this.#waiting.length = 0;
    this.#port.send(messages.success());
  }

  /** Of a device's key: it counts from here on, and something else has to be proved. */
  goOn(): void {
    if (this.#current?.kind !== 'key') throw new CustodyError('internal', 'only a key is half a login');
    this.#device = this.#current.proof;
    this.#current = undefined;
    this.#port.send(messages.failure({ methods: this.#methods(), partial: true }));
  }

  /** The client may try something else. `words` are shown to the person. Nothing happens when the client has turned away. */
  refuse(words?: string): void {
    if (this.#current === undefined) return;
    if (this.#dialogue?.waits === true) this.#late += 1;
    const { kind } = this.#current;
    this.#current = undefined;
    this.#dialogue = undefined;
    // A key that is nobody's device was offered in good faith: agents hold many.
    if (kind === 'key') this.#unwelcome(words);
    else this.#fail(words);
  }

  /** Shows words to the person, at any time before `accept`. */
  tell(words: string): void {
    this.#port.send(messages.banner(words.endsWith('\n') ? words : `${words}\r\n`));
  }

  #answered(payload: Uint8Array): void {
    if (this.#late > 0) this.#late -= 1;
    else if (this.#dialogue === undefined) throw violation('the client answered what nobody asked');
    else this.#dialogue.answer(payload);
  }

  #enqueue(payload: Uint8Array): void {
    if (this.#waiting.length === WAITING_MAX) throw violation('the client does not wait for answers');
    this.#waiting.push(payload);
    this.#abandonDialogue();
    this.#wake?.();
  }

  /** RFC 4252 section 5: a new request ends a dialogue, which gets no answer of its own. */
  #abandonDialogue(): void {
    if (this.#dialogue === undefined) return;
    if (this.#dialogue.waits) this.#late += 1;
    const dialogue = this.#dialogue;
    this.#dialogue = undefined;
    this.#current = undefined;
    this.#tries += 1;
    dialogue.abandon();
  }

  async #take(): Promise<Uint8Array> {
    for (;;) {
      if (this.#closed !== undefined) throw this.#closed;
      if (this.#tries >= (this.#options.triesMax ?? TRIES_MAX)) throw tooMany();
      const payload = this.#waiting.shift();
      if (payload !== undefined) return payload;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async #read(payload: Uint8Array): Promise<Attempt | undefined> {
    if (this.#phase === 'service') {
      this.#beginService(payload);
      return undefined;
    }
    if (payload[0] !== AuthMessage.request) throw violation('the client sent something else than a login');
    const head = messages.readRequest(payload);
    this.#checkSame(head);
    switch (head.method) {
      case 'none':
        return this.#none();
      case 'publickey':
      case HOSTBOUND:
        return this.#publicKey(payload, head);
      case 'password':
        return this.#password(head);
      case 'keyboard-interactive':
        return this.#interactive(head);
      default:
        return this.#fail();
    }
  }

  #beginService(payload: Uint8Array): void {
    const service = messages.readService(payload, AuthMessage.serviceRequest);
    if (service !== USERAUTH) throw violation(`the client asked for the service ${printable(service)}`);
    this.#phase = 'requests';
    this.#port.send(messages.serviceAccept(USERAUTH));
    if (this.#options.banner !== undefined) this.tell(this.#options.banner);
  }

  /** RFC 4252 section 5 lets both change, and what was proved would have to be forgotten: nobody needs it. */
  #checkSame({ user, service }: messages.RequestHead): void {
    if (service !== CONNECTION) throw violation(`the client logs in to the service ${printable(service)}`);
    this.#user ??= user;
    if (user !== this.#user) throw violation('the client changed its user name');
  }

  #none(): undefined {
    if (this.#askedNone) return this.#fail();
    this.#askedNone = true;
    return this.#answerFailure();
  }

  async #publicKey(payload: Uint8Array, head: messages.RequestHead): Promise<Attempt | undefined> {
    const { sessionId, hostKey } = this.#options;
    const request = readKeyRequest(payload, head, sessionId, hostKey);
    if (request === undefined || this.#device !== undefined) return this.#unwelcome();
    const { offered } = request;
    const problem = await this.#problemOf(head.user, offered);
    if (problem !== undefined) return this.#unwelcome(problem.words);
    if (request.signed === undefined) return this.#welcome(offered);
    const proof = proveKey(request);
    return proof === undefined ? this.#fail() : this.#proved(head.user, offered, proof);
  }

  /** Whatever kind of key it is, it passes one of these two (security case 1). */
  async #problemOf(user: string, { key, certificate }: OfferedKey): Promise<{ words?: string } | undefined> {
    if (certificate === undefined) return (await this.#port.isDevice(user, key)) ? undefined : {};
    const words = certificateProblem(certificate, this.#port.certificates(user));
    return words === undefined
      ? undefined
      : { words: `custody: the certificate ${words}; get a new one: custody ssh-login` };
  }

  #proved(user: string, { certificate }: OfferedKey, proof: KeyProof): Attempt | undefined {
    if (certificate === undefined) return { kind: 'key', user, proof };
    const terms = checkCertificate(certificate, this.#port.certificates(user));
    if (terms.verifyRequired && proof.authenticator?.verified !== true)
      return this.#fail(
        'custody: the certificate wants a FIDO key that verifies its user: ssh-keygen -O verify-required',
      );
    return { kind: 'certificate', user, certificate, terms, proof };
  }

  #welcome({ algorithm, blob }: OfferedKey): undefined {
    this.#countOffer();
    this.#port.send(messages.publicKeyOk(algorithm, blob));
    return undefined;
  }

  #unwelcome(words?: string): undefined {
    this.#countOffer();
    return this.#answerFailure(words);
  }

  #countOffer(): void {
    this.#offers += 1;
    if (this.#offers > OFFERS_MAX) throw tooMany();
  }

  #password({ user, reader }: messages.RequestHead): Attempt | undefined {
    const isChange = reader.boolean();
    const password = reader.text();
    if (isChange) return this.#fail();
    reader.end();
    return { kind: 'password', user, password, ...this.#withDevice() };
  }

  #interactive({ user, reader }: messages.RequestHead): Attempt {
    // Language and wishes for submethods: hints, which RFC 4256 section 3.1 lets servers pass over.
    reader.string();
    reader.string();
    reader.end();
    const dialogue = new Dialogue((payload) => this.#port.send(payload));
    return { kind: 'interactive', user, dialogue, ...this.#withDevice() };
  }

  #withDevice(): { device?: KeyProof } {
    return this.#device === undefined ? {} : { device: this.#device };
  }

  #fail(words?: string): undefined {
    this.#tries += 1;
    return this.#answerFailure(words);
  }

  #answerFailure(words?: string): undefined {
    if (words !== undefined && words !== this.#told) this.tell(words);
    this.#told = words ?? this.#told;
    this.#port.send(messages.failure({ methods: this.#methods(), partial: false }));
    return undefined;
  }

  #methods(): readonly string[] {
    return this.#device === undefined ? METHODS : METHODS.slice(1);
  }
}

function tooMany(): CustodyError {
  return new CustodyError('too-many-failures', 'too many attempts to log in', {
    hint: 'ssh -o IdentitiesOnly=yes offers fewer keys',
  });
}

/** What a proof says of the device, for those who decide. */
export function provedKeyOf(proof: KeyProof, certificate?: SshCertificate): ProvedKey {
  const { key, authenticator } = proof;
  return {
    key: key.fingerprint,
    proof: certificate === undefined ? 'ssh-key' : 'ssh-certificate',
    ...(authenticator === undefined
      ? {}
      : { user: { present: authenticator.present, verified: authenticator.verified } }),
    ...(certificate?.validBefore === undefined ? {} : { expiresAt: certificate.validBefore }),
  };
}
