/** The streams of one SPDY connection, as Kubernetes opens them: always the client, with headers that say what each is for. */
import type { Channel, CommandChannel, ForwardChannel, Sender } from '../events.ts';
import type { Purpose } from '../form.ts';
import { violation } from '../websocket.ts';

export interface OpenStream {
  readonly id: number;
  readonly channel: Channel;
  /** Sides that send no more of it. */
  readonly ended: Set<Sender>;
}

/** More at once are no port-forward's. */
const STREAMS_MAX = 20_000;
const COMMAND_TYPES: ReadonlySet<string> = new Set(['stdin', 'stdout', 'stderr', 'error', 'resize']);

export class SpdyStreams {
  /** The highest one that was opened. */
  last = 0;
  readonly #purpose: Purpose;
  readonly #open = new Map<number, OpenStream>();
  /** Connections through forwarded ports that have a stream open, by the client's name for them. */
  readonly #forwards = new Map<string, { readonly number: number; streams: number }>();
  #forwarded = 0;

  constructor(purpose: Purpose) {
    this.#purpose = purpose;
  }

  get open(): Iterable<OpenStream> {
    return this.#open.values();
  }

  find(id: number): OpenStream | undefined {
    return this.#open.get(id);
  }

  opened(id: number, headers: ReadonlyMap<string, string>): OpenStream | undefined {
    if (id <= this.last) throw violation('a SPDY stream with a number that was used');
    if (this.#open.size >= STREAMS_MAX) throw violation('too many SPDY streams at once');
    this.last = id;
    const channel = this.#purpose === 'forward' ? this.#forward(id, headers) : commandChannel(headers);
    if (channel === undefined) return undefined;
    const stream = { id, channel, ended: new Set<Sender>() };
    this.#open.set(id, stream);
    return stream;
  }

  /** `by` sends no more of it; both: it is over. False when that was known. */
  ended(stream: OpenStream, by: Sender): boolean {
    if (stream.ended.has(by)) return false;
    stream.ended.add(by);
    if (stream.ended.size === 2) this.#close(stream);
    return true;
  }

  #close({ id, channel }: OpenStream): void {
    this.#open.delete(id);
    if (typeof channel === 'string') return;
    const name = nameOf(channel.request, channel.part, id);
    const forward = this.#forwards.get(name);
    if (forward !== undefined && --forward.streams === 0) this.#forwards.delete(name);
  }

  #forward(id: number, headers: ReadonlyMap<string, string>): ForwardChannel | undefined {
    const part = headers.get('streamtype');
    const port = Number(headers.get('port'));
    if ((part !== 'data' && part !== 'error') || !Number.isInteger(port)) return undefined;
    const request = headers.get('requestid') ?? '';
    const name = nameOf(request, part, id);
    const known = this.#forwards.get(name) ?? { number: ++this.#forwarded, streams: 0 };
    known.streams++;
    this.#forwards.set(name, known);
    return { forward: known.number, port, part, request };
  }
}

/** Old clients name none: their stream of data is the next one after that of errors, as the kubelet guesses too. */
function nameOf(request: string, part: 'data' | 'error', id: number): string {
  return request === '' ? `#${part === 'error' ? id : id - 2}` : `=${request}`;
}

function commandChannel(headers: ReadonlyMap<string, string>): CommandChannel | undefined {
  const type = headers.get('streamtype');
  return type !== undefined && COMMAND_TYPES.has(type) ? (type as CommandChannel) : undefined;
}
