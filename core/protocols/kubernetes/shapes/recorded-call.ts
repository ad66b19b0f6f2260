/** One call of a recording, put together from its records. */
import { CustodyError } from '#core/errors.ts';
import { isReadable, type SeenAnswer, type SeenCommand, type UnreadableCommand } from '#core/tasks/seen.ts';
import type { SeenExecution, TakeParts } from '#core/tasks/shapes.ts';
import { Counted } from '../../counted.ts';
import type { Call } from '../call.ts';
import { callOf } from '../request-info.ts';
import { BODY_MAX_BYTES, isDiscovery } from '../rules/rule-judge.ts';
import { StreamDecoder } from '../streams/decoder.ts';
import { exitCodeOf, STATUS_MAX } from '../streams/exit.ts';
import { headerOf, streamFormOf } from '../streams/form.ts';
import { type Headers, Record, type TapeRecord } from '../tape.ts';
import { answerOf } from './call-answer.ts';
import { seenCall } from './call-shape.ts';
import { headOf } from './heads.ts';

export type Side = 'client' | 'target' | 'gateway';
type Program = 'stdin' | 'stdout' | 'stderr';

/** What is kept of a stream, for whoever wants to see it. */
const FIRST_MAX = 64 << 10;

export class RecordedCall {
  readonly #call: Call | undefined;
  readonly #headers: Headers;
  readonly #at: number;
  readonly #take: TakeParts;
  readonly #body: Uint8Array[] = [];
  #bodyBytes = 0;
  /** What was sent is not on the tape as it was. */
  #isWithheld = false;
  #status: number | undefined;
  /** The gateway said it itself. */
  #isRefused = false;
  #wentOn = false;
  #isCut = false;
  #decoder: StreamDecoder | undefined;
  readonly #streams = new Map<Program, Counted>();
  #error: Uint8Array[] = [];
  #errorBytes = 0;

  private constructor(call: Call | undefined, headers: Headers, at: number, take: TakeParts) {
    this.#call = call;
    this.#headers = headers;
    this.#at = at;
    this.#take = take;
  }

  /** Undefined of a record that begins none. */
  static begin(record: TapeRecord, at: number, take: TakeParts): RecordedCall | undefined {
    if (record.type !== Record.head) return undefined;
    const head = headOf(record.payload);
    if (head?.method === undefined || head.target === undefined) return undefined;
    return new RecordedCall(callIn(head.method, head.target, head.headers), head.headers, at, take);
  }

  /** True when the call is over. */
  take(side: Side, { type, payload }: TapeRecord): boolean {
    switch (type) {
      case Record.head:
        if (side !== 'client') this.#answered(side, payload);
        return false;
      case Record.body:
        this.#heard(side, payload);
        return false;
      case Record.withheld:
        if (side === 'client') this.#isWithheld = true;
        return false;
      case Record.stream:
        if (side !== 'gateway') this.#streamed(side, payload);
        return false;
      case Record.forwarded:
        this.#wentOn = true;
        return false;
      case Record.cut:
        this.#isCut = true;
        return true;
      case Record.end:
      case Record.streamEnd:
        return side !== 'client' && this.#status !== undefined;
    }
  }

  /** None of what passes beside any contract. */
  *execution(now: number, isOver: boolean): Generator<SeenExecution> {
    if (this.#call !== undefined && isDiscovery(this.#call)) return;
    const command = this.#command();
    if (isReadable(command))
      for (const [name, { first }] of this.#streams) this.#take.bytes?.(command, name, first);
    yield { command, at: this.#at, answer: this.#answer((now - this.#at) / 1000, isOver) };
  }

  #command(): SeenCommand | UnreadableCommand {
    if (this.#call === undefined) return { text: 'a request', why: 'has no one reading' };
    const bytes = Buffer.concat(this.#body);
    const type = headerOf(this.#headers, 'content-type');
    const encoding = headerOf(this.#headers, 'content-encoding');
    if (this.#isWithheld) return { text: this.#call.kind, why: 'had a body that was not kept' };
    if (this.#bodyBytes > BODY_MAX_BYTES) return { text: this.#call.kind, why: 'had too long a body' };
    return seenCall(this.#call, { bytes, type, encoding })!;
  }

  #answer(tookMs: number, isOver: boolean): SeenAnswer {
    if (this.#isRefused && !this.#wentOn) return { outcome: 'refused', tookMs };
    if (!isOver || this.#status === undefined || (this.#isCut && this.#exitCode() === undefined))
      return answerOf(undefined, tookMs);
    const exitCode = this.#exitCode();
    const streams = Object.fromEntries([...this.#streams].map(([name, counted]) => [name, counted.seen()]));
    return {
      ...answerOf({ status: this.#status, ...(exitCode === undefined ? {} : { exitCode }) }, tookMs),
      streams,
    };
  }

  #answered(side: Side, payload: Uint8Array): void {
    const { status, headers } = headOf(payload) ?? {};
    if (status === undefined || this.#status !== undefined) return;
    this.#status = status;
    this.#isRefused = side === 'gateway';
    if (status !== 101 || this.#call === undefined || headers === undefined) return;
    const form = streamFormOf(this.#call, headers);
    if (form.purpose === 'command') this.#decoder = new StreamDecoder(form);
  }

  #heard(side: Side, bytes: Uint8Array): void {
    if (side === 'target') return this.#counted('stdout').take(bytes);
    if (side === 'gateway') return;
    this.#bodyBytes += bytes.length;
    if (this.#bodyBytes <= BODY_MAX_BYTES) this.#body.push(bytes);
  }

  #streamed(side: 'client' | 'target', bytes: Uint8Array): void {
    try {
      for (const event of this.#decoder?.push(side, bytes) ?? []) {
        if (event.kind !== 'data') continue;
        const { channel } = event;
        if (channel === 'error') this.#heardError(event.bytes);
        else if (channel === 'stdin' || channel === 'stdout' || channel === 'stderr')
          this.#counted(channel).take(event.bytes);
      }
    } catch (thrown) {
      if (!(thrown instanceof CustodyError)) throw thrown;
      this.#decoder = undefined;
    }
  }

  #heardError(bytes: Uint8Array): void {
    this.#errorBytes += bytes.length;
    if (this.#errorBytes <= STATUS_MAX) this.#error.push(Uint8Array.from(bytes));
  }

  #exitCode(): number | undefined {
    return this.#errorBytes === 0 ? undefined : exitCodeOf(Buffer.concat(this.#error));
  }

  #counted(name: Program): Counted {
    const counted = this.#streams.get(name) ?? new Counted(FIRST_MAX);
    this.#streams.set(name, counted);
    return counted;
  }
}

function callIn(method: string, target: string, headers: Headers): Call | undefined {
  try {
    return callOf(method, target, headers);
  } catch (thrown) {
    if (thrown instanceof CustodyError) return undefined;
    throw thrown;
  }
}
