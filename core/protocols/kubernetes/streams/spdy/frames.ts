/** SPDY/3.1 frames (draft-mbelshe-httpbis-spdy-00, section 2.2), stepped over; those that open and end streams are read. */
import { violation } from '../websocket.ts';

export const Control = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;
/** The side that sent it sends no more of the stream. */
export const FIN = 1;
/** The side that gets it answers nothing. */
export const UNIDIRECTIONAL = 2;

export interface SpdyVisitor {
  /** A frame of data: what of it is there comes as `data`. */
  begin(stream: number, flags: number): void;
  data(bytes: Uint8Array, from: number, to: number): void;
  /** The frame of data is over. */
  end(): void;
  /** Whole, without its header; only of the types above that matter here. */
  control(type: number, flags: number, payload: Uint8Array): void;
}

const HEADER_BYTES = 8;
/** Whoever opens a stream of Kubernetes needs less than a hundred bytes. */
const CONTROL_MAX = 64 << 10;
const READ: ReadonlySet<number> = new Set([
  Control.synStream,
  Control.synReply,
  Control.rstStream,
  Control.goAway,
  Control.headers,
]);

/** One direction. It holds a header, or one control frame. */
export class SpdyFrames {
  readonly #visitor: SpdyVisitor;
  readonly #header = new Uint8Array(HEADER_BYTES);
  #filled = 0;
  #remaining = 0;
  /** Of a control frame that is read. */
  #control: Uint8Array | undefined;
  #controlBytes = 0;

  constructor(visitor: SpdyVisitor) {
    this.#visitor = visitor;
  }

  /** Between two frames. */
  get atBoundary(): boolean {
    return this.#filled === 0;
  }

  /** Takes bytes up to where something ends, a header or a payload; returns where. Throws `protocol-violation`. */
  step(bytes: Uint8Array, from: number, to: number): number {
    if (this.#filled < HEADER_BYTES) return this.#fill(bytes, from, to);
    const end = Math.min(to, from + this.#remaining);
    if (this.#control !== undefined) {
      this.#control.set(bytes.subarray(from, end), this.#controlBytes);
      this.#controlBytes += end - from;
    } else if (!this.#isControl) this.#visitor.data(bytes, from, end);
    this.#remaining -= end - from;
    if (this.#remaining === 0) this.#finish();
    return end;
  }

  get #isControl(): boolean {
    return (this.#header[0]! & 0x80) !== 0;
  }

  #fill(bytes: Uint8Array, from: number, to: number): number {
    let at = from;
    while (at < to && this.#filled < HEADER_BYTES) this.#header[this.#filled++] = bytes[at++]!;
    if (this.#filled === HEADER_BYTES) this.#begin();
    return at;
  }

  #begin(): void {
    const header = this.#header;
    this.#remaining = (header[5]! << 16) | (header[6]! << 8) | header[7]!;
    if (!this.#isControl) this.#visitor.begin(uint31(header, 0), header[4]!);
    else if (READ.has(this.#type)) {
      if (this.#remaining > CONTROL_MAX) throw violation('a SPDY control frame that is too long');
      this.#control = new Uint8Array(this.#remaining);
      this.#controlBytes = 0;
    }
    if (this.#remaining === 0) this.#finish();
  }

  get #type(): number {
    return (this.#header[2]! << 8) | this.#header[3]!;
  }

  #finish(): void {
    const control = this.#control;
    this.#control = undefined;
    this.#filled = 0;
    if (control !== undefined) this.#visitor.control(this.#type, this.#header[4]!, control);
    else if (!this.#isControl) this.#visitor.end();
  }
}

export function uint31(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! & 0x7f) << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

export function dataFrame(stream: number, flags: number, data: Uint8Array): Uint8Array {
  const frame = Buffer.alloc(HEADER_BYTES + data.length);
  frame.writeUInt32BE(stream, 0);
  frame.writeUInt32BE(data.length, 4);
  frame[4] = flags;
  frame.set(data, HEADER_BYTES);
  return frame;
}

/** Section 2.6.6, with status OK: no stream behind `last` was looked at. */
export function goAwayFrame(last: number): Uint8Array {
  const frame = Buffer.from([0x80, 3, 0, Control.goAway, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0]);
  frame.writeUInt32BE(last, HEADER_BYTES);
  return frame;
}
