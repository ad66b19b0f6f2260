/** Cutting a stream into typed messages, and the type bytes. */
import { readInt32, violation } from './wire.ts';

const HEADER_BYTES = 5;

/** Type bytes of messages from the client. */
export const Frontend = {
  bind: 0x42, // B
  close: 0x43, // C
  copyData: 0x64, // d
  copyDone: 0x63, // c
  copyFail: 0x66, // f
  describe: 0x44, // D
  execute: 0x45, // E
  flush: 0x48, // H
  functionCall: 0x46, // F
  parse: 0x50, // P
  password: 0x70, // p: PasswordMessage, SASLInitialResponse, SASLResponse, GSSResponse
  query: 0x51, // Q
  sync: 0x53, // S
  terminate: 0x58, // X
} as const;

/** Type bytes of messages from the server. */
export const Backend = {
  authentication: 0x52, // R
  backendKeyData: 0x4b, // K
  bindComplete: 0x32, // 2
  closeComplete: 0x33, // 3
  commandComplete: 0x43, // C
  copyBothResponse: 0x57, // W
  copyData: 0x64, // d
  copyDone: 0x63, // c
  copyInResponse: 0x47, // G
  copyOutResponse: 0x48, // H
  dataRow: 0x44, // D
  emptyQueryResponse: 0x49, // I
  errorResponse: 0x45, // E
  functionCallResponse: 0x56, // V
  negotiateProtocolVersion: 0x76, // v
  noData: 0x6e, // n
  noticeResponse: 0x4e, // N
  notificationResponse: 0x41, // A
  parameterDescription: 0x74, // t
  parameterStatus: 0x53, // S
  parseComplete: 0x31, // 1
  portalSuspended: 0x73, // s
  readyForQuery: 0x5a, // Z
  rowDescription: 0x54, // T
} as const;

export interface WholeMessage {
  readonly type: number;
  readonly truncated: false;
  /** Bytes of the body. */
  readonly length: number;
  /** May be a view of a pushed chunk: copy what must outlive it. */
  readonly body: Uint8Array;
}

export interface TruncatedMessage {
  readonly type: number;
  readonly truncated: true;
  /** Bytes of the body, as its header says. */
  readonly length: number;
  /** The body's first bytes: as many as the reader's maximum. */
  readonly prefix: Uint8Array;
}

export type WireMessage = WholeMessage | TruncatedMessage;

/**
 * Chunks in, messages out: push, then iterate until it ends. Between pushes it keeps at most the beginning of one
 * message, and never more than `maximum` bytes of its body: a longer message comes out truncated, as soon as its
 * prefix is there, and the rest of it is skipped. Memory grows with bytes that came, never with a length that was claimed.
 */
export class MessageReader implements Iterable<WireMessage> {
  readonly #maximum: number;
  readonly #header = new Uint8Array(HEADER_BYTES);
  readonly #chunks: Uint8Array[] = [];
  #at = 0;
  #headerFill = 0;
  #length = 0;
  #body = new Uint8Array(0);
  #bodyFill = 0;
  #skip = 0;
  readonly #onSkipped: ((part: Uint8Array) => void) | undefined;

  /** `maximum`: bytes of a body that are kept. `onSkipped` sees what a truncated message has beyond them, before the next message. */
  constructor(maximum: number, onSkipped?: (part: Uint8Array) => void) {
    this.#maximum = maximum;
    this.#onSkipped = onSkipped;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length > 0) this.#chunks.push(chunk);
  }

  /** True inside a message: a stream that ends now was cut. */
  get incomplete(): boolean {
    return this.#headerFill > 0 || this.#skip > 0 || this.#chunks.length > 0;
  }

  /** More of the truncated message that was given last is to come. */
  get skipping(): boolean {
    return this.#skip > 0;
  }

  /** Bytes of the body of the message that the stream stands within; undefined between messages and inside a header. */
  get length(): number | undefined {
    return this.#headerFill === HEADER_BYTES || this.#skip > 0 ? this.#length : undefined;
  }

  /** How many of those are still to come. */
  get missing(): number {
    return this.#skip > 0 ? this.#skip : (this.length ?? 0) - this.#bodyFill;
  }

  /** What there is of a message that was not given yet; undefined between messages and inside a header. */
  get begun(): TruncatedMessage | undefined {
    if (this.#headerFill < HEADER_BYTES) return undefined;
    const prefix = this.#body.subarray(0, this.#bodyFill);
    return { type: this.#header[0]!, truncated: true, length: this.#length, prefix };
  }

  *[Symbol.iterator](): Generator<WireMessage> {
    for (let message = this.next(); message !== undefined; message = this.next()) yield message;
  }

  /** The next message, or undefined until more is pushed. Throws `protocol-violation`, now and ever after, on a length no message can have. */
  next(): WireMessage | undefined {
    for (let chunk = this.#chunks[0]; chunk !== undefined; chunk = this.#chunks[0]) {
      const found = this.#step(chunk);
      if (this.#at === chunk.length) {
        this.#chunks.shift();
        this.#at = 0;
      }
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #step(chunk: Uint8Array): WireMessage | undefined {
    const skipped = Math.min(this.#skip, chunk.length - this.#at);
    if (skipped > 0) this.#onSkipped?.(chunk.subarray(this.#at, this.#at + skipped));
    this.#skip -= skipped;
    this.#at += skipped;
    return this.#fillHeader(chunk) ? this.#takeBody(chunk) : undefined;
  }

  #fillHeader(chunk: Uint8Array): boolean {
    if (this.#headerFill === HEADER_BYTES) return true;
    const part = chunk.subarray(this.#at, this.#at + HEADER_BYTES - this.#headerFill);
    this.#header.set(part, this.#headerFill);
    this.#headerFill += part.length;
    this.#at += part.length;
    if (this.#headerFill < HEADER_BYTES) return false;
    this.#length = readInt32(this.#header, 1) - 4;
    return true;
  }

  #takeBody(chunk: Uint8Array): WireMessage | undefined {
    if (this.#length < 0) throw violation('invalid message length');
    const wanted = Math.min(this.#length, this.#maximum);
    if (this.#bodyFill === 0 && chunk.length - this.#at >= wanted) {
      this.#at += wanted;
      return this.#complete(chunk.subarray(this.#at - wanted, this.#at));
    }
    const part = chunk.subarray(this.#at, this.#at + wanted - this.#bodyFill);
    this.#keep(part, wanted);
    this.#at += part.length;
    return this.#bodyFill === wanted ? this.#complete(this.#body.subarray(0, wanted)) : undefined;
  }

  #keep(part: Uint8Array, wanted: number): void {
    const fill = this.#bodyFill + part.length;
    if (fill > this.#body.length) {
      const grown = new Uint8Array(Math.min(wanted, Math.max(fill, this.#body.length * 2, 1024)));
      grown.set(this.#body.subarray(0, this.#bodyFill));
      this.#body = grown;
    }
    this.#body.set(part, this.#bodyFill);
    this.#bodyFill = fill;
  }

  #complete(kept: Uint8Array): WireMessage {
    const type = this.#header[0]!;
    const length = this.#length;
    this.#skip = length - kept.length;
    this.#headerFill = 0;
    this.#bodyFill = 0;
    this.#body = new Uint8Array(0);
    if (kept.length < length) return { type, truncated: true, length, prefix: kept };
    return { type, truncated: false, length, body: kept };
  }
}
