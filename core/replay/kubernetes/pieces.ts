import type { Call } from '#core/protocols/kubernetes/call.ts';
import { StreamDecoder, type StreamEvent } from '#core/protocols/kubernetes/streams/decoder.ts';
import { streamFormOf } from '#core/protocols/kubernetes/streams/form.ts';
import type { DataPiece, PiecesOf } from '../pieces.ts';
import { callIn } from './call-names.ts';
import { DecodedStream } from './decoded-stream.ts';
import { KubernetesTape, type TapeEvent } from './tape.ts';

const CALLS_MAX = 4096;
const SWITCHING = 101;

/** Bodies of calls by their direction, and what passed within upgraded streams by channel. */
export function kubernetesPieces(): PiecesOf {
  const tape = new KubernetesTape();
  const streams = new Streams();
  return ({ timeUs: at, ...frame }) => {
    const pieces: DataPiece[] = [];
    for (const event of tape.take({ timeUs: at, ...frame })) pieces.push(...streams.take(event, at));
    return pieces;
  };
}

class Streams {
  readonly #calls = new Map<number, { readonly call: Call | undefined; stream?: DecodedStream }>();

  take(event: TapeEvent, at: number): DataPiece[] {
    switch (event.kind) {
      case 'request':
        if (this.#calls.size < CALLS_MAX) this.#calls.set(event.call, { call: callIn(event.head) });
        return [];
      case 'answer':
        this.#answered(event);
        return [];
      case 'body':
        return [{ lane: `body of call ${event.call}, of the ${event.by}`, at, bytes: event.bytes }];
      case 'stream':
        return this.#data(event, at);
      case 'cut':
      case 'end':
        if (event.kind === 'cut' || event.by !== 'client') this.#calls.delete(event.call);
        return [];
      default:
        return [];
    }
  }

  #answered({ call: number, head }: Extract<TapeEvent, { kind: 'answer' }>): void {
    const known = this.#calls.get(number);
    if (known?.call === undefined || head.status !== SWITCHING) return;
    const form = streamFormOf(known.call, head.headers);
    if (form.purpose !== 'opaque') known.stream = new DecodedStream(new StreamDecoder(form), number);
  }

  #data({ call, by, bytes }: Extract<TapeEvent, { kind: 'body' | 'stream' }>, at: number): DataPiece[] {
    const stream = this.#calls.get(call)?.stream;
    if (stream === undefined) return [{ lane: `stream of call ${call}, of the ${by}`, at, bytes }];
    const pieces: DataPiece[] = [];
    for (const event of stream.push(by, bytes, at))
      if (event.kind === 'data') pieces.push({ lane: laneOf(call, event), at, bytes: event.bytes.slice() });
    return pieces;
  }
}

function laneOf(call: number, { channel, from }: Extract<StreamEvent, { kind: 'data' }>): string {
  const name = typeof channel === 'string' ? channel : `connection ${channel.forward} (${channel.part})`;
  return `${name} of call ${call}, of the ${from}`;
}
