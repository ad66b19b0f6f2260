/** WebSocket subprotocols that give each message a channel in its first byte: of commands, and of ports without a tunnel. */
import type { Channel, CommandChannel, Lane, Sender, StreamEvent } from './events.ts';
import type { StreamForm } from './form.ts';
import {
  Opcode,
  violation,
  WebSocketFrames,
  type WebSocketHead,
  type WebSocketVisitor,
} from './websocket.ts';

/** By number (k8s.io/streaming, remotecommand). */
const COMMAND_CHANNELS: readonly CommandChannel[] = ['stdin', 'stdout', 'stderr', 'error', 'resize'];
/** Of v5: the channel in the next byte is closed. */
const CLOSE_SIGNAL = 255;
const CLOSE_MAX = 125;

export function isBase64(protocol: string): boolean {
  return protocol === 'base64.channel.k8s.io' || protocol === 'v4.base64.channel.k8s.io';
}

/**
 * Reads messages of channels. Of a client each frame has its channel, also where it says that it goes on with a message: the API
 * server's reader takes it so. Clients read messages.
 */
export class ChannelLane implements Lane, WebSocketVisitor {
  readonly #frames: WebSocketFrames;
  readonly #from: Sender;
  readonly #form: StreamForm;
  readonly #on: (event: StreamEvent) => void;
  readonly #base64: Base64Pieces | undefined;
  /** Bytes of each channel that a port's number still takes, of a target that forwards ports. */
  readonly #announced: number[];
  #opcode = 0;
  #continues = false;
  #channel = -1;
  /** Of a close frame, or behind the signal that a channel closes. */
  #control = new Uint8Array(CLOSE_MAX);
  #controlBytes = 0;

  constructor(form: StreamForm, from: Sender, on: (event: StreamEvent) => void) {
    this.#form = form;
    this.#from = from;
    this.#on = on;
    this.#frames = new WebSocketFrames(from === 'client', this);
    this.#base64 = isBase64(form.protocol) ? new Base64Pieces() : undefined;
    this.#announced = form.ports.flatMap(() => (from === 'target' ? [2, 2] : [0, 0]));
  }

  get atBoundary(): boolean {
    return this.#frames.atBoundary && !this.#continues;
  }

  step(bytes: Uint8Array, from: number, to: number): number {
    return this.#frames.step(bytes, from, to);
  }

  begin({ opcode, final }: WebSocketHead): void {
    this.#opcode = opcode;
    this.#controlBytes = 0;
    if (isControl(opcode)) return;
    const isNew = this.#from === 'client' || !this.#continues;
    if (isNew) this.#channel = -1;
    if (isNew) this.#base64?.begin();
    this.#continues = this.#from === 'target' && !final;
  }

  payload(bytes: Uint8Array, from: number, to: number): void {
    if (isControl(this.#opcode)) return this.#keep(bytes, from, to);
    let at = from;
    if (this.#channel < 0 && at < to) this.#channel = this.#channelOf(bytes[at++]!);
    if (at >= to) return;
    if (this.#isClosing) return this.#keep(bytes, at, to);
    const channel = this.#named(this.#channel);
    if (channel === undefined) return;
    const piece = bytes.subarray(at, to);
    this.#data(channel, this.#base64?.push(piece) ?? piece);
  }

  end(): void {
    const { length } = this.#control;
    const control = this.#control.subarray(0, Math.min(this.#controlBytes, length));
    if (this.#opcode === Opcode.close) this.#on({ kind: 'close', from: this.#from, ...closeOf(control) });
    if (isControl(this.#opcode)) return;
    if (!this.#isClosing || this.#controlBytes !== 1) return;
    const channel = this.#named(control[0]!);
    if (channel !== undefined) this.#on({ kind: 'closed', channel, from: this.#from });
  }

  get #isClosing(): boolean {
    return this.#channel === CLOSE_SIGNAL && this.#form.protocol === 'v5.channel.k8s.io';
  }

  #channelOf(first: number): number {
    return this.#base64 === undefined ? first : first - 0x30;
  }

  #named(number: number): Channel | undefined {
    const { purpose, ports } = this.#form;
    if (purpose === 'command') return COMMAND_CHANNELS[number];
    const port = ports[number >> 1];
    if (port === undefined || number < 0) return undefined;
    return { forward: (number >> 1) + 1, port, part: (number & 1) === 0 ? 'data' : 'error', request: '' };
  }

  /** Each channel of a forwarded port begins with the port's number, two bytes, before anything else. */
  #data(channel: Channel, bytes: Uint8Array): void {
    const skipped = Math.min(this.#announced[this.#channel] ?? 0, bytes.length);
    if (skipped > 0) this.#announced[this.#channel]! -= skipped;
    const rest = skipped === 0 ? bytes : bytes.subarray(skipped);
    if (rest.length > 0) this.#on({ kind: 'data', channel, from: this.#from, bytes: rest });
  }

  #keep(bytes: Uint8Array, from: number, to: number): void {
    const room = Math.max(0, CLOSE_MAX - this.#controlBytes);
    this.#control.set(
      bytes.subarray(from, Math.min(to, from + room)),
      Math.min(this.#controlBytes, CLOSE_MAX),
    );
    this.#controlBytes += to - from;
  }
}

/** What RFC 6455 knows beyond them, the API server reads as data. */
export function isControl(opcode: number): boolean {
  return opcode === Opcode.close || opcode === Opcode.ping || opcode === Opcode.pong;
}

/** The payload of a close frame. */
export function closeOf(payload: Uint8Array): { readonly code?: number; readonly reason?: string } {
  if (payload.length < 2) return {};
  const reason = new TextDecoder().decode(payload.subarray(2));
  return { code: payload[0]! * 256 + payload[1]!, ...(reason === '' ? {} : { reason }) };
}

/** Four characters are three bytes: up to three wait for more. */
class Base64Pieces {
  #waiting = '';

  begin(): void {
    this.#waiting = '';
  }

  push(piece: Uint8Array): Uint8Array {
    const text = this.#waiting + Buffer.from(piece.buffer, piece.byteOffset, piece.length).toString('latin1');
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw violation('a message that is no base64');
    const whole = text.length - (text.length % 4);
    this.#waiting = text.slice(whole);
    return Buffer.from(text.slice(0, whole), 'base64');
  }
}
