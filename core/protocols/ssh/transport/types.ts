import type { KeyObject } from 'node:crypto';
import type { Random } from './exchange-methods.ts';

/** One leg's transport (RFC 4253): bytes in, payloads out. It never sees a socket. */
export interface Transport {
  /** Sends the version line, and KEXINIT when that is ours to say first. */
  start(): void;
  /**
   * Bytes of the peer's. Throws `protocol-violation`, `unsupported` where there is no algorithm in common, or what `hostKey` throws; only
   * `disconnect` may be called afterwards.
   */
  receive(bytes: Uint8Array): void;
  /** Seals one message and writes it; kept, in order, while keys are exchanged. The payload may change once it returns. */
  send(payload: Uint8Array): void;
  /** From here to the `uncork` that belongs to it, what is sent is gathered into as few writes as its size allows. */
  cork(): void;
  uncork(): void;
  /** Tells the peer that the message in hand, within the call of `message`, is not known here (RFC 4253 section 11.4). */
  unimplemented(): void;
  /** Says why, as the last message (RFC 4253 section 11.1). */
  disconnect(reason: number, words: string): void;
  /** Begins a key exchange; nothing when one is on its way. */
  rekey(): void;
  /** Undefined before the first exchange is done. */
  readonly keys: AgreedKeys | undefined;
  /** What the peer said that it can (RFC 8308), such as `server-sig-algs`; complete once it lets somebody in. */
  readonly extensions: ReadonlyMap<string, Uint8Array>;
  /** Messages wait for the end of a key exchange: whoever feeds this one should stop reading its source. */
  readonly held: boolean;
}

/** What the two sides agreed on. */
export interface AgreedKeys {
  /** The first exchange's hash: what authentication signs (RFC 4252 section 7). */
  readonly sessionId: Uint8Array;
  readonly kex: string;
  readonly hostKeyAlgorithm: string;
  /** The server's host key of this exchange, in its wire form; a certificate, where one was agreed on. */
  readonly hostKey: Uint8Array;
  readonly cipher: { readonly toServer: string; readonly toClient: string };
  /** Empty for ciphers that authenticate by themselves. */
  readonly mac: { readonly toServer: string; readonly toClient: string };
  readonly strict: boolean;
  /** The peer's version line, without its end. */
  readonly peerVersion: string;
}

export interface TransportEvents {
  /** Bytes for the wire, until the call returns. */
  write(bytes: Uint8Array): void;
  /** A message above the transport (numbers 5, 6, 7 and 50 to 127), until the call returns. */
  message(payload: Uint8Array): void;
  /** After the first key exchange and after each later one. */
  keyed(keys: AgreedKeys): void;
  /** `held` is false again. */
  released(): void;
  disconnected(reason: number, words: string): void;
}

export interface TransportOptions {
  /** Milliseconds, of a clock that does not jump; only compared with itself. */
  readonly now: () => number;
  /** New keys after so much in either direction, and after so long. */
  readonly rekeyAfterBytes?: number;
  readonly rekeyAfterMs?: number;
  /** Bytes nobody can guess; node:crypto's where nothing is said. */
  readonly random?: Random;
  /** What stands in place of our version line. */
  readonly version?: string;
}

export interface HostKey {
  readonly key: KeyObject;
  /** Its certificate, offered besides the key. */
  readonly certificate?: Uint8Array;
}

export interface ServerOptions extends TransportOptions {
  /** In order of preference; ed25519, ECDSA or RSA. */
  readonly hostKeys: readonly HostKey[];
  /** What we say that we can, in order (RFC 8308); `ping@openssh.com` is said anyway. */
  readonly extensions?: readonly (readonly [name: string, value: string])[];
}

/** Algorithms that are spoken with a target only where custody.yaml says so. */
export type Older = 'dh-group14-sha256' | 'ecdh-nistp' | 'aes-ctr' | 'hmac-sha2' | 'rsa-sha1';

export interface ClientOptions extends TransportOptions {
  /** Called with the key, or certificate, by which the server has just signed; throws to refuse it. */
  readonly hostKey: (blob: Uint8Array, algorithm: string) => void;
  /** In order of preference: those that `hostKey` would take; all that are spoken where nothing is said. */
  readonly hostKeyAlgorithms?: readonly string[];
  readonly older?: readonly Older[];
}
