import { ChannelLane } from './channels.ts';
import type { Lane, Sender, StreamEvent } from './events.ts';
import { type StreamForm, TUNNEL } from './form.ts';
import { SpdyLane } from './spdy/lane.ts';
import { SpdyStreams } from './spdy/streams.ts';
import { TunnelLane } from './spdy/tunnel.ts';

export type { Channel, CommandChannel, ForwardChannel, Sender, StreamEvent } from './events.ts';

/** Both directions of an upgraded connection. Of `opaque` ones it tells when they say goodbye, and nothing else. */
export class StreamDecoder {
  readonly lanes: Readonly<Record<Sender, Lane>>;
  /** Of SPDY. */
  readonly streams: SpdyStreams;
  readonly #events: StreamEvent[] = [];

  /** `on`: told in place of what `push` returns. */
  constructor(form: StreamForm, on?: (event: StreamEvent) => void) {
    const told = on ?? ((event: StreamEvent) => void this.#events.push(event));
    this.streams = new SpdyStreams(form.purpose);
    this.lanes = {
      client: laneOf(form, 'client', this.streams, told),
      target: laneOf(form, 'target', this.streams, told),
    };
  }

  /**
   * Bytes of one side, in the order in which both sides' came. Throws `protocol-violation` for what nobody can read, behind what came
   * before it: nothing that follows means anything.
   */
  *push(from: Sender, bytes: Uint8Array): Generator<StreamEvent, void> {
    const lane = this.lanes[from];
    for (let at = 0; at < bytes.length; ) {
      try {
        at = lane.step(bytes, at, bytes.length);
      } finally {
        yield* this.#events.splice(0);
      }
    }
  }
}

function laneOf(
  form: StreamForm,
  from: Sender,
  streams: SpdyStreams,
  on: (event: StreamEvent) => void,
): Lane {
  if (form.kind === 'spdy') return new SpdyLane(from, streams, on);
  if (form.protocol === TUNNEL) return new TunnelLane(from, new SpdyLane(from, streams, on), on);
  return new ChannelLane(form, from, on);
}
