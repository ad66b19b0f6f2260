/** One leg's transport (RFC 4253): bytes in, payloads out. It never sees a socket. */
export interface Transport {
  /** Sends the version line, and KEXINIT when that is ours to say first. */
  start(): void;
  /** Bytes of the peer's. Throws `protocol-violation`, after which only `disconnect` may be called. */
  receive(bytes: Uint8Array): void;
  /** Seals one message and writes it; kept, in order, while keys are exchanged. The payload may change once it returns. */
  send(payload: Uint8Array): void;
  /** Says why, as the last message (RFC 4253 section 11.1). */
  disconnect(reason: number, words: string): void;
  /** Begins a key exchange; nothing when one is on its way. */
  rekey(): void;
  /** Undefined before the first exchange is done. */
  readonly keys: AgreedKeys | undefined;
  /** Messages wait for the end of a key exchange: whoever feeds this one should stop reading its source. */
  readonly held: boolean;
}

/** What the two sides agreed on. */
export interface AgreedKeys {
  /** The first exchange's hash: what authentication signs (RFC 4252 section 7). */
  readonly sessionId: Uint8Array;
  readonly kex: string;
  readonly hostKeyAlgorithm: string;
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
