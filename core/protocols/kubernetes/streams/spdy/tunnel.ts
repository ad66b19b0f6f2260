/** SPDY in the messages of a WebSocket, one stream of bytes however they are cut (KEP-4006). */
import { closeOf, isControl } from '../channels.ts';
import type { Lane, Sender, StreamEvent } from '../events.ts';
import { Opcode, WebSocketFrames, type WebSocketHead, type WebSocketVisitor } from '../websocket.ts';

const CLOSE_MAX = 125;

export class TunnelLane implements Lane, WebSocketVisitor {
  readonly #frames: WebSocketFrames;
  readonly #spdy: Lane;
  readonly #from: Sender;
  readonly #on: (event: StreamEvent) => void;
  #opcode = 0;
  #close = new Uint8Array(0);

  constructor(from: Sender, spdy: Lane, on: (event: StreamEvent) => void) {
    this.#frames = new WebSocketFrames(from === 'client', this);
    this.#spdy = spdy;
    this.#from = from;
    this.#on = on;
  }

  get atBoundary(): boolean {
    return this.#frames.atBoundary && this.#spdy.atBoundary;
  }

  /** Between two frames of the WebSocket, wherever SPDY is. */
  get betweenFrames(): boolean {
    return this.#frames.atBoundary;
  }

  step(bytes: Uint8Array, from: number, to: number): number {
    return this.#frames.step(bytes, from, to);
  }

  begin({ opcode }: WebSocketHead): void {
    this.#opcode = opcode;
    this.#close = new Uint8Array(0);
  }

  payload(bytes: Uint8Array, from: number, to: number): void {
    if (isControl(this.#opcode)) return this.#keep(bytes.subarray(from, to));
    for (let at = from; at < to; ) at = this.#spdy.step(bytes, at, to);
  }

  end(): void {
    if (this.#opcode === Opcode.close) this.#on({ kind: 'close', from: this.#from, ...closeOf(this.#close) });
  }

  #keep(bytes: Uint8Array): void {
    if (this.#opcode !== Opcode.close || this.#close.length + bytes.length > CLOSE_MAX) return;
    this.#close = Buffer.concat([this.#close, bytes]);
  }
}
