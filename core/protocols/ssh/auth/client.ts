/** The client's side of user authentication (RFC 4252, RFC 4256): how the gateway logs in at a target. */
import { CustodyError } from '#core/errors.ts';
import { printable } from '#core/printable.ts';
import { certificateAlgorithm } from '../keys/certificate.ts';
import type { SshPrivateKey } from '../keys/private-key.ts';
import { algorithmsOf, signWith } from '../keys/signature.ts';
import { SshReader, SshWriter, violation } from '../wire.ts';
import * as messages from './messages.ts';

const { AuthMessage, USERAUTH } = messages;

/** How the gateway proves itself. */
export type LoginProof =
  | { readonly kind: 'key'; readonly key: SshPrivateKey }
  /** The certificate is of this key, in its wire form. */
  | { readonly kind: 'certificate'; readonly key: SshPrivateKey; readonly certificate: Uint8Array }
  | { readonly kind: 'password'; readonly password: string };

export interface AuthClientOptions {
  readonly sessionId: Uint8Array;
  readonly user: string;
  readonly proof: LoginProof;
  /** RSA with SHA-1 too, for a target whose configuration says so. */
  readonly sha1?: boolean;
  send(payload: Uint8Array): void;
}

/** One way to try: what is sent, and what the method's own messages are answered with. */
interface Try {
  readonly method: string;
  begin(): Uint8Array;
  own(payload: Uint8Array): Uint8Array;
}

const BYTES_MAX = 256 << 10;
const BANNER_MAX = 8 << 10;
const DIALOGUE_MAX = 8;
const EXTENSIONS_MAX = 32;
const LIST_MAX = 16 << 10;

export class AuthClient {
  readonly #options: AuthClientOptions;
  /** Resolves once the target has let the gateway in. Rejects with `target-refused` and what it said, or `protocol-violation`. */
  readonly done: Promise<void>;
  #resolve!: () => void;
  #reject!: (error: CustodyError) => void;
  #phase: 'service' | 'list' | 'trying' | 'over' = 'service';
  #tries: Try[] = [];
  #current: Try | undefined;
  #banner = '';
  #signatures: readonly string[] | undefined;
  #bytes = 0;

  constructor(options: AuthClientOptions) {
    this.#options = options;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Whoever awaits it sees it all the same.
    this.done.catch(() => undefined);
  }

  /** What the target shows before the login, as it came, cut at 8 KiB. */
  get banner(): string {
    return this.#banner;
  }

  /** After the first key exchange. */
  start(): void {
    this.#options.send(messages.serviceRequest(USERAUTH));
  }

  /** A message of the target's with a number below 80. Never throws: what is wrong ends `done`. */
  receive(payload: Uint8Array): void {
    if (this.#phase === 'over') return;
    try {
      this.#read(payload);
    } catch (thrown) {
      const why = thrown instanceof CustodyError ? thrown : undefined;
      this.close(why ?? new CustodyError('internal', 'the login at the target failed', { cause: thrown }));
    }
  }

  /** The target is gone, or there is no more time. */
  close(error: CustodyError): void {
    this.#phase = 'over';
    this.#reject(error);
  }

  #read(payload: Uint8Array): void {
    this.#bytes += payload.length;
    if (this.#bytes > BYTES_MAX) throw violation('the target said too much during the login');
    switch (payload[0]) {
      case AuthMessage.extInfo:
        return this.#readExtensions(payload);
      case AuthMessage.banner:
        return this.#keepBanner(payload);
      case AuthMessage.serviceAccept:
        return this.#ask(payload);
      case AuthMessage.failure:
        return this.#failed(payload);
      case AuthMessage.success:
        return this.#succeeded(payload);
      case AuthMessage.methodOwn:
        return this.#own(payload);
      default:
        throw violation(`the target sent message ${payload[0]} during the login`);
    }
  }

  /** RFC 8308 section 2.3; of its extensions only `server-sig-algs` matters here. */
  #readExtensions(payload: Uint8Array): void {
    const reader = new SshReader(payload, 1);
    const count = reader.uint32();
    if (count > EXTENSIONS_MAX) throw violation(`the target has ${count} extensions`);
    for (let left = count; left > 0; left--) {
      const [name, value] = [reader.words(), reader.words(LIST_MAX)];
      if (name === 'server-sig-algs') this.#signatures = value.split(',');
    }
  }

  #keepBanner(payload: Uint8Array): void {
    this.#banner = (this.#banner + messages.readBanner(payload)).slice(0, BANNER_MAX);
  }

  #ask(payload: Uint8Array): void {
    if (this.#phase !== 'service') throw violation('the target accepted a service twice');
    if (messages.readService(payload, AuthMessage.serviceAccept) !== USERAUTH)
      throw violation('the target accepted another service');
    this.#phase = 'list';
    this.#options.send(messages.request(this.#options.user, 'none').done());
  }

  #failed(payload: Uint8Array): void {
    if (this.#phase === 'service') throw violation('the target refused a login before it was asked');
    const { methods, partial } = messages.readFailure(payload);
    if (partial) throw this.#refused('wants a second proof besides the one that the gateway has');
    if (this.#phase === 'list') this.#tries = this.#plan();
    this.#phase = 'trying';
    this.#next(methods);
  }

  #next(methods: readonly string[]): void {
    const possible = this.#tries.findIndex(({ method }) => methods.includes(method));
    if (possible === -1) throw this.#refusedAll(methods);
    this.#current = this.#tries[possible]!;
    this.#tries = this.#tries.slice(possible + 1);
    this.#options.send(this.#current.begin());
  }

  #refusedAll(methods: readonly string[]): CustodyError {
    if (this.#current !== undefined)
      return this.#refused(`did not take the gateway's ${this.#options.proof.kind}`);
    const offers = methods.map((text) => printable(text)).join(', ') || 'nothing';
    return this.#refused(`takes no ${this.#options.proof.kind}: it offers ${offers}`);
  }

  #succeeded(payload: Uint8Array): void {
    if (this.#phase === 'service' || payload.length !== 1) throw violation('the target let nobody in');
    this.#phase = 'over';
    this.#resolve();
  }

  #own(payload: Uint8Array): void {
    if (this.#current === undefined) throw violation('the target answered a login that was not asked for');
    this.#options.send(this.#current.own(payload));
  }

  #plan(): Try[] {
    const { proof } = this.#options;
    switch (proof.kind) {
      case 'password':
        return [this.#password(proof.password), this.#dialogue(proof.password)];
      case 'key':
        return this.#algorithms(proof.key).map((algorithm) =>
          this.#signed(proof.key, algorithm, algorithm, proof.key.publicKey.blob),
        );
      case 'certificate':
        return this.#algorithms(proof.key).map((algorithm) =>
          this.#signed(proof.key, algorithm, certificateAlgorithm(algorithm), proof.certificate),
        );
    }
  }

  /** Those that the target says it takes; all of them, one after the other, where it says nothing. */
  #algorithms({ publicKey }: SshPrivateKey): readonly string[] {
    const sha1 = this.#options.sha1 === true && publicKey.type === 'ssh-rsa' ? ['ssh-rsa'] : [];
    const ours = [...algorithmsOf(publicKey.type), ...sha1];
    const said = ours.filter((algorithm) => this.#signatures?.includes(algorithm));
    return said.length > 0 ? said : ours;
  }

  #signed({ key, publicKey }: SshPrivateKey, algorithm: string, name: string, blob: Uint8Array): Try {
    const { user, sessionId } = this.#options;
    return {
      method: 'publickey',
      begin: () => {
        const request = messages.request(user, 'publickey').boolean(true).string(name).string(blob).done();
        const toSign = new SshWriter(request.length + 80).string(sessionId).raw(request).done();
        const signature = signWith(key, publicKey.type, algorithm, toSign);
        return new SshWriter(request.length + 1024).raw(request).string(signature).done();
      },
      own: () => {
        throw violation('the target asked for a signature that it already had');
      },
    };
  }

  #password(password: string): Try {
    return {
      method: 'password',
      begin: () => messages.request(this.#options.user, 'password').boolean(false).string(password).done(),
      own: () => {
        throw this.#refused(
          'wants the password changed',
          'change it at the target and where the gateway has it from',
        );
      },
    };
  }

  /** As PAM has it: one question, which is the password's; words in between are passed over. */
  #dialogue(password: string): Try {
    let [asked, told] = [0, 0];
    return {
      method: 'keyboard-interactive',
      begin: () => messages.request(this.#options.user, 'keyboard-interactive').string('').string('').done(),
      own: (payload) => {
        const { prompts } = messages.readInfoRequest(payload);
        if (prompts.length === 0 && told++ < DIALOGUE_MAX) return messages.infoResponse([]);
        const isPassword = prompts.length === 1 && !prompts[0]!.echo;
        if (!isPassword || asked++ > 0) throw this.#refused('asks for something else than a password');
        return messages.infoResponse([password]);
      },
    };
  }

  #refused(what: string, hint?: string): CustodyError {
    return new CustodyError('target-refused', `the target ${what}`, {
      hint: hint ?? "see the target's own log, and its logins in custody.yaml",
      ...(this.#banner === '' ? {} : { detail: printable(this.#banner) }),
    });
  }
}
