import type { ResourceCall } from '#core/protocols/kubernetes/call.ts';
import { StreamDecoder } from '#core/protocols/kubernetes/streams/decoder.ts';
import { exitCodeOf } from '#core/protocols/kubernetes/streams/exit.ts';
import { streamFormOf } from '#core/protocols/kubernetes/streams/form.ts';
import type { ReplayFrame } from '../step.ts';
import { PLAIN_SIZE, type TerminalEvent } from '../terminal.ts';
import { callIn, kindOf } from './call-names.ts';
import { isTerminal, sizesIn, wordsOf } from './command-reading.ts';
import { DecodedStream } from './decoded-stream.ts';
import { isResource } from './objects.ts';
import { KubernetesTape, type TapeEvent } from './tape.ts';

/** Calls that were asked for, and not answered yet, at most. */
const ASKED_MAX = 4096;
const ERROR_MAX = 64 << 10;
const SWITCHING = 101;

/**
 * The terminal of one call, by its number; without one, the first exec or attach that has a terminal. Nothing where there is none. Like
 * `steps`, it reads what it can of what is damaged.
 */
export async function* kubernetesTerminal(
  frames: AsyncIterable<ReplayFrame>,
  channel?: number,
): AsyncGenerator<TerminalEvent, void, undefined> {
  const tape = new KubernetesTape();
  const terminal = new CallTerminal(channel);
  for await (const frame of frames)
    for (const event of tape.take(frame)) yield* terminal.take(event, frame.timeUs);
}

class CallTerminal {
  readonly #wanted: number | undefined;
  readonly #asked = new Map<number, ResourceCall>();
  #number: number | undefined;
  #stream: DecodedStream | undefined;
  #isOver = false;
  #said: Uint8Array = new Uint8Array(0);

  constructor(wanted: number | undefined) {
    this.#wanted = wanted;
  }

  *take(event: TapeEvent, at: number): Generator<TerminalEvent> {
    if (event.kind === 'request') this.#ask(event);
    else if (event.kind === 'answer') yield* this.#answered(event, at);
    else if (event.kind === 'end' && event.by !== 'client') this.#asked.delete(event.call);
    if (!('call' in event) || event.call !== this.#number || this.#isOver) return;
    if (event.kind === 'stream') yield* this.#data(event, at);
    if (event.kind === 'cut' || (event.kind === 'stream-end' && event.by === 'target')) yield* this.#end(at);
  }

  #ask({ call: number, head }: Extract<TapeEvent, { kind: 'request' }>): void {
    const call = callIn(head);
    const kind = kindOf(call);
    if (!isResource(call) || (kind !== 'exec' && kind !== 'attach') || this.#asked.size >= ASKED_MAX) return;
    if (this.#wanted === undefined ? isTerminal(call) : number === this.#wanted)
      this.#asked.set(number, call);
  }

  *#answered(
    { call: number, head }: Extract<TapeEvent, { kind: 'answer' }>,
    at: number,
  ): Generator<TerminalEvent> {
    const call = this.#asked.get(number);
    if (call === undefined || head.status !== SWITCHING || this.#number !== undefined) return;
    this.#number = number;
    this.#stream = new DecodedStream(new StreamDecoder(streamFormOf(call, head.headers)), number);
    const words = wordsOf(call);
    const command = words.length === 0 ? {} : { command: words.join(' ') };
    yield { kind: 'start', at, ...PLAIN_SIZE, ...command, isTerminal: isTerminal(call) };
  }

  *#data(
    { by, bytes }: Extract<TapeEvent, { kind: 'body' | 'stream' }>,
    at: number,
  ): Generator<TerminalEvent> {
    for (const event of this.#stream!.push(by, bytes, at)) {
      if (event.kind !== 'data') continue;
      const { channel, bytes: data } = event;
      if (channel === 'stdin') yield { kind: 'input', at, bytes: data };
      else if (channel === 'stdout' || channel === 'stderr') yield { kind: 'output', at, bytes: data };
      else if (channel === 'resize') yield* resizes(data, at);
      else if (channel === 'error' && this.#said.length < ERROR_MAX)
        this.#said = Buffer.concat([this.#said, data]);
    }
  }

  *#end(at: number): Generator<TerminalEvent> {
    this.#isOver = true;
    const status = this.#said.length === 0 ? undefined : exitCodeOf(this.#said);
    if (status !== undefined) yield { kind: 'exit', at, status };
  }
}

/** A terminal of no size is one whose client does not know it. */
function* resizes(bytes: Uint8Array, at: number): Generator<TerminalEvent> {
  for (const { columns, rows } of sizesIn(bytes))
    yield {
      kind: 'resize',
      at,
      columns: columns || PLAIN_SIZE.columns,
      rows: rows || PLAIN_SIZE.rows,
    };
}
