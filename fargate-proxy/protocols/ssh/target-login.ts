/** The gateway's own login at a target. */
import type { Socket } from 'node:net';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { printable } from '#core/printable.ts';
import { AuthClient, type LoginProof } from '#core/protocols/ssh/auth/client.ts';
import { AuthMessage } from '#core/protocols/ssh/auth/messages.ts';
import { parsePrivateKey } from '#core/protocols/ssh/keys/private-key.ts';
import type { SshTarget } from '#core/protocols/ssh/schema.ts';
import type { AgreedKeys } from '#core/protocols/ssh/transport/types.ts';
import { connectPlain, unreachable } from '../../wire/connect.ts';
import { hostTrust } from './host-trust.ts';
import { Leg, type LegEars, type LegEnding, type LegMemory } from './leg.ts';

export interface TargetLogin {
  readonly target: SshTarget;
  /** The name of the login at the target. */
  readonly login: string;
  readonly proof: LoginProof;
}

export interface TargetLoginOptions extends LegMemory {
  readonly now: () => number;
  readonly wallClock: () => Date;
}

/**
 * Connects to where the configuration says, knows the target by its key, and logs in. The leg is parked. Rejects with the reason of the
 * signal once that is aborted, else with `target-unreachable`, `target-refused`, `target-lost`.
 */
export async function loginAtTarget(
  asked: TargetLogin,
  signal: AbortSignal,
  options: TargetLoginOptions,
): Promise<Leg> {
  signal.throwIfAborted();
  const socket = await connectPlain(asked.target, signal);
  const side = new TargetSide(socket, asked, options);
  const abandon = (): void => void socket.destroy();
  signal.addEventListener('abort', abandon, { once: true });
  try {
    await side.done;
    return side.leg;
  } catch (error) {
    socket.destroy();
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', abandon);
  }
}

class TargetSide implements LegEars {
  readonly leg: Leg;
  readonly #asked: TargetLogin;
  readonly #done = Promise.withResolvers<void>();
  #auth: AuthClient | undefined;

  constructor(socket: Socket, asked: TargetLogin, options: TargetLoginOptions) {
    this.#asked = asked;
    this.#done.promise.catch(() => undefined);
    const { now, wallClock } = options;
    const { older } = asked.target;
    const transport = { now, older, ...hostTrust(asked.target, wallClock()) };
    this.leg = Leg.client(socket, transport, options, this);
  }

  /** Resolves when the target has let the gateway in, and says no more until somebody listens. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  keyed({ sessionId }: AgreedKeys): void {
    if (this.#auth !== undefined) return;
    const { login, proof, target } = this.#asked;
    this.#auth = new AuthClient({
      sessionId,
      user: login,
      proof,
      sha1: target.older.includes('rsa-sha1'),
      send: (payload) => this.leg.send(payload),
    });
    this.#auth.start();
    this.#auth.done.then(this.#done.resolve, (error: unknown) => this.#done.reject(this.#inWords(error)));
  }

  message(payload: Uint8Array): void {
    // What it says after this is for the relay.
    if (payload[0] === AuthMessage.success) this.leg.park();
    this.#auth!.receive(payload);
  }

  ended(end: LegEnding): void {
    const error = this.#ending(end);
    this.#auth?.close(error);
    this.#done.reject(error);
  }

  #ending(end: LegEnding): CustodyError {
    const { name } = this.#asked.target;
    switch (end.by) {
      case 'violation':
        return this.#inWords(end.error);
      case 'disconnect':
        return new CustodyError('target-refused', `the target "${name}" ended the login`, {
          hint: "see the target's own log",
          detail: printable(end.words),
        });
      case 'close':
        return unreachable(this.#asked.target, new Error('it closed the connection during the login'));
    }
  }

  /** What went wrong in the protocol means to the client that the target cannot be reached. */
  #inWords(thrown: unknown): CustodyError {
    const error = asCustodyError(thrown);
    if (error.code !== 'protocol-violation' && error.code !== 'unsupported') return error;
    const older =
      error.code === 'unsupported' ? '; older: [...] in custody.yaml lets a target have more' : '';
    const said = [error.message, error.detail].filter((part) => part !== undefined).join(': ');
    return unreachable(this.#asked.target, new Error(`${said}${older}`));
  }
}

/** How the gateway proves itself with what the configuration refers to. Throws `target-refused` for what proves nothing. */
export function proofBy({ name, logins }: SshTarget, login: string, secret: string): LoginProof {
  const { passwordFile, secret: passwordSecret } = logins[login]!;
  if (passwordFile !== undefined || passwordSecret !== undefined)
    return { kind: 'password', password: secret };
  try {
    return { kind: 'key', key: parsePrivateKey(secret) };
  } catch (cause) {
    const { message, hint = '' } = asCustodyError(cause);
    throw new CustodyError('target-refused', `the gateway cannot use its key for the target "${name}"`, {
      hint: 'tell whoever runs the gateway',
      detail: `the private key ${message}; ${hint}`,
    });
  }
}
