import type { ResourceCall } from '#core/protocols/kubernetes/call.ts';
import { type Channel, StreamDecoder, type StreamEvent } from '#core/protocols/kubernetes/streams/decoder.ts';
import type { StreamForm } from '#core/protocols/kubernetes/streams/form.ts';
import { shown } from '../shown.ts';
import { Tally } from '../tally.ts';
import type { ReadingContext } from './context.ts';
import { DecodedStream } from './decoded-stream.ts';
import { ForwardedSpeech } from './forwarded-speech.ts';
import type { KubernetesOutcome, KubernetesStep } from './step.ts';
import type { StreamReading } from './stream-reading.ts';
import type { Speaker } from './tape.ts';

/** What a kubelet says of a connection that failed is a line or two. */
const ERROR_MAX = 64 << 10;
/** Connections of one call at one time; what is more is counted. */
const OPEN_MAX = 1024;

type ForwardChannel = Exclude<Channel, string>;

interface Connection {
  readonly number: number;
  readonly port: number;
  readonly at: number;
  readonly sent: Tally;
  readonly received: Tally;
  readonly speech: ForwardedSpeech;
  error: Uint8Array;
  readonly closed: Set<'client' | 'target'>;
}

/** Connections through a port-forward: each is a step, once it is over, besides what it says in a protocol that is known. */
export class ForwardReading implements StreamReading {
  readonly #to: string;
  readonly #number: number;
  readonly #context: ReadingContext;
  readonly #stream: DecodedStream;
  readonly #open = new Map<number, Connection>();
  #highest = 0;
  #forwards = 0;

  constructor(call: ResourceCall, number: number, form: StreamForm, context: ReadingContext) {
    this.#to = `${call.namespace}/${call.name}`;
    this.#number = number;
    this.#context = context;
    this.#stream = new DecodedStream(new StreamDecoder(form), number);
  }

  take(from: Speaker, bytes: Uint8Array, at: number): KubernetesStep[] {
    const steps: KubernetesStep[] = [];
    for (const event of this.#stream.push(from, bytes, at)) {
      if (event.kind === 'damaged') steps.push(event);
      else if (event.kind !== 'close' && typeof event.channel !== 'string')
        steps.push(...this.#event(event, event.channel, at));
    }
    return steps;
  }

  end(at: number): ReturnType<StreamReading['end']> {
    const steps = [...this.#open.values()].flatMap((one) =>
      this.#close(one, at, one.closed.size > 0 ? 'completed' : 'cut'),
    );
    return { steps, fields: { forwards: this.#forwards } };
  }

  #event(
    event: Exclude<StreamEvent, { kind: 'close' }>,
    channel: ForwardChannel,
    at: number,
  ): KubernetesStep[] {
    const connection = this.#connection(channel, at);
    if (connection === undefined) return [];
    if (event.kind === 'data') return this.#data(connection, event, channel.part, at);
    // The error channel is half-closed by the client at its beginning.
    if (channel.part === 'error') return [];
    connection.closed.add(event.from);
    return connection.closed.size < 2 ? [] : this.#close(connection, at, 'completed');
  }

  #data(
    connection: Connection,
    { from, bytes }: Extract<StreamEvent, { kind: 'data' }>,
    part: ForwardChannel['part'],
    at: number,
  ): KubernetesStep[] {
    if (part === 'error') {
      if (connection.error.length + bytes.length <= ERROR_MAX)
        connection.error = Buffer.concat([connection.error, bytes]);
      return [];
    }
    (from === 'client' ? connection.sent : connection.received).add(bytes);
    return connection.speech.take(from, bytes, at);
  }

  /** Undefined for one that is over. */
  #connection({ forward, port }: ForwardChannel, at: number): Connection | undefined {
    const known = this.#open.get(forward);
    if (known !== undefined || forward <= this.#highest || this.#open.size >= OPEN_MAX) return known;
    const { limits } = this.#context;
    const connection = {
      ...{ number: forward, port, at, error: new Uint8Array(0), closed: new Set<'client' | 'target'>() },
      ...{ sent: new Tally(limits.sample), received: new Tally(limits.sample) },
      speech: new ForwardedSpeech(this.#number, forward, this.#context),
    };
    this.#highest = forward;
    this.#forwards += 1;
    this.#open.set(forward, connection);
    return connection;
  }

  #close(connection: Connection, at: number, how: KubernetesOutcome): KubernetesStep[] {
    const { number, port, at: from, sent, received, error, speech } = connection;
    this.#open.delete(number);
    const said = speech.end(at);
    const [out, back] = [sent.shown(), received.shown()];
    const forward = {
      ...{ number, port, to: this.#to },
      ...(out && { sent: out }),
      ...(back && { received: back }),
      ...(error.length > 0 && { error: shown(error, this.#context.limits.text) }),
      ...(speech.protocol !== undefined && { speaks: speech.protocol }),
    };
    const outcome = error.length > 0 ? 'failed' : how;
    return [...said, { kind: 'forward', at: from, took: at - from, channel: this.#number, outcome, forward }];
  }
}
