/** One direction of a SPDY connection. */
import type { Lane, Sender, StreamEvent } from '../events.ts';
import { violation } from '../websocket.ts';
import { Control, FIN, SpdyFrames, type SpdyVisitor, UNIDIRECTIONAL, uint31 } from './frames.ts';
import { HeaderBlocks } from './headers.ts';
import type { OpenStream, SpdyStreams } from './streams.ts';

export class SpdyLane implements Lane, SpdyVisitor {
  readonly #frames = new SpdyFrames(this);
  readonly #blocks = new HeaderBlocks();
  readonly #from: Sender;
  readonly #streams: SpdyStreams;
  readonly #on: (event: StreamEvent) => void;
  #stream: OpenStream | undefined;
  #flags = 0;

  constructor(from: Sender, streams: SpdyStreams, on: (event: StreamEvent) => void) {
    this.#from = from;
    this.#streams = streams;
    this.#on = on;
  }

  get atBoundary(): boolean {
    return this.#frames.atBoundary;
  }

  step(bytes: Uint8Array, from: number, to: number): number {
    return this.#frames.step(bytes, from, to);
  }

  begin(stream: number, flags: number): void {
    this.#stream = this.#streams.find(stream);
    this.#flags = flags;
  }

  data(bytes: Uint8Array, from: number, to: number): void {
    const stream = this.#stream;
    // A stream that it has ended, or that nobody opened: nobody reads what comes of it.
    if (stream === undefined || stream.ended.has(this.#from)) return;
    this.#on({ kind: 'data', channel: stream.channel, from: this.#from, bytes: bytes.subarray(from, to) });
  }

  end(): void {
    if (this.#stream !== undefined && (this.#flags & FIN) !== 0) this.#ended(this.#stream, this.#from);
    this.#stream = undefined;
  }

  control(type: number, flags: number, payload: Uint8Array): void {
    if (type === Control.goAway) return this.#on({ kind: 'close', from: this.#from });
    if (payload.length < 4) throw violation('a SPDY frame that names no stream');
    const id = uint31(payload, 0);
    if (type === Control.synStream) return this.#opened(id, flags, payload);
    // Each block is compressed with those before it: none may be left out.
    if (type === Control.synReply || type === Control.headers) this.#blocks.read(payload.subarray(4));
    const stream = this.#streams.find(id);
    if (stream === undefined) return;
    if (type !== Control.rstStream && (flags & FIN) === 0) return;
    this.#ended(stream, this.#from);
    if (type === Control.rstStream) this.#ended(stream, this.#from === 'client' ? 'target' : 'client');
  }

  #opened(id: number, flags: number, payload: Uint8Array): void {
    if (payload.length < 10) throw violation('a SPDY stream that is opened by half a frame');
    const headers = this.#blocks.read(payload.subarray(10));
    // A server could open streams as well, and the API server never does.
    if (this.#from === 'target') return;
    const stream = this.#streams.opened(id, headers);
    if (stream === undefined) return;
    if ((flags & UNIDIRECTIONAL) !== 0) this.#ended(stream, 'target');
    if ((flags & FIN) !== 0) this.#ended(stream, 'client');
  }

  #ended(stream: OpenStream, by: Sender): void {
    if (this.#streams.ended(stream, by)) this.#on({ kind: 'closed', channel: stream.channel, from: by });
  }
}
