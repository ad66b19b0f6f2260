/**
 * RFC 6455 frames, stepped over. What of the rules the API server's own reader (golang.org/x/net/websocket) does not heed is not heeded
 * here: a frame that only the gateway refused to read would be one that it does not see.
 */
import { CustodyError } from '#core/errors.ts';

export const Opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface WebSocketHead {
  opcode: number;
  /** The last of its message. */
  final: boolean;
  length: number;
}

export interface WebSocketVisitor {
  /** A frame begins. The head is the same object each time. */
  begin(head: WebSocketHead): void;
  /** More of its payload, unmasked. */
  payload(bytes: Uint8Array, from: number, to: number): void;
  end(): void;
}

const MASK_BYTES = 4;

/** One direction. It holds a header at the most. */
export class WebSocketFrames {
  readonly #visitor: WebSocketVisitor;
  readonly #isClient: boolean;
  readonly #header = new Uint8Array(14);
  readonly #head: WebSocketHead = { opcode: 0, final: true, length: 0 };
  #filled = 0;
  #remaining = 0;
  #maskAt = 0;
  #offset = 0;
  #inPayload = false;

  /** `isClient`: its frames are masked, and the other side's are not (section 5.1). */
  constructor(isClient: boolean, visitor: WebSocketVisitor) {
    this.#isClient = isClient;
    this.#visitor = visitor;
  }

  /** Between two frames. */
  get atBoundary(): boolean {
    return this.#filled === 0 && !this.#inPayload;
  }

  /** Takes bytes up to where something ends, a header or a payload; returns where. Throws `protocol-violation`. */
  step(bytes: Uint8Array, from: number, to: number): number {
    if (!this.#inPayload) return this.#fill(bytes, from, to);
    const end = Math.min(to, from + this.#remaining);
    if (this.#isClient) this.#unmasked(bytes, from, end);
    else this.#visitor.payload(bytes, from, end);
    this.#remaining -= end - from;
    if (this.#remaining === 0) this.#finish();
    return end;
  }

  #fill(bytes: Uint8Array, from: number, to: number): number {
    let at = from;
    while (at < to) {
      this.#header[this.#filled++] = bytes[at++]!;
      if (this.#filled >= 2 && this.#filled === this.#headerLength) {
        this.#begin();
        return at;
      }
    }
    return at;
  }

  get #headerLength(): number {
    const second = this.#header[1]!;
    const isMasked = (second & 0x80) !== 0;
    return 2 + extendedBytes(second & 0x7f) + (isMasked ? MASK_BYTES : 0);
  }

  #begin(): void {
    const header = this.#header;
    const isMasked = (header[1]! & 0x80) !== 0;
    if (isMasked !== this.#isClient) throw violation('a WebSocket frame whose mask is the other side’s');
    const short = header[1]! & 0x7f;
    this.#head.opcode = header[0]! & 0x0f;
    this.#head.final = (header[0]! & 0x80) !== 0;
    this.#head.length = short < 126 ? short : uint(header, 2, extendedBytes(short));
    this.#maskAt = 2 + extendedBytes(short);
    this.#remaining = this.#head.length;
    this.#offset = 0;
    this.#inPayload = true;
    this.#visitor.begin(this.#head);
    if (this.#remaining === 0) this.#finish();
  }

  /** Section 5.3, into memory of its own: what is relayed stays as it is. */
  #unmasked(bytes: Uint8Array, from: number, to: number): void {
    const plain = new Uint8Array(to - from);
    for (let at = 0; at < plain.length; at++)
      plain[at] = bytes[from + at]! ^ this.#header[this.#maskAt + ((this.#offset + at) & 3)]!;
    this.#offset += plain.length;
    this.#visitor.payload(plain, 0, plain.length);
  }

  #finish(): void {
    this.#inPayload = false;
    this.#filled = 0;
    this.#visitor.end();
  }
}

/** A frame as a server sends it. */
export function webSocketFrame(opcode: number, payload: Uint8Array): Uint8Array {
  const { length } = payload;
  const extended = length < 126 ? 0 : length < 1 << 16 ? 2 : 8;
  const frame = Buffer.alloc(2 + extended + length);
  frame[0] = 0x80 | opcode;
  frame[1] = extended === 0 ? length : extended === 2 ? 126 : 127;
  if (extended === 2) frame.writeUInt16BE(length, 2);
  if (extended === 8) frame.writeUInt32BE(length, 6);
  frame.set(payload, 2 + extended);
  return frame;
}

/** Section 5.5.1: a reason has room for 123 bytes. */
export function closeFrame(code: number, reason: string): Uint8Array {
  const payload = Buffer.alloc(125);
  payload.writeUInt16BE(code, 0);
  // Whole characters only.
  const { written } = new TextEncoder().encodeInto(reason, payload.subarray(2));
  return webSocketFrame(Opcode.close, payload.subarray(0, 2 + written));
}

function extendedBytes(short: number): number {
  return short < 126 ? 0 : short === 126 ? 2 : 8;
}

function uint(bytes: Uint8Array, from: number, length: number): number {
  let value = 0;
  for (let at = from; at < from + length; at++) value = value * 256 + bytes[at]!;
  if (value <= Number.MAX_SAFE_INTEGER) return value;
  throw violation('a WebSocket frame longer than anything');
}

export function violation(message: string): CustodyError {
  return new CustodyError('protocol-violation', message);
}
