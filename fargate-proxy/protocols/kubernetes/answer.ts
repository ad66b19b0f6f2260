/** An answer of the cluster's on its way to the client: on the tape first. */
import { type Withholding } from '#core/protocols/kubernetes/bodies/withhold.ts';
import type { Call } from '#core/protocols/kubernetes/call.ts';
import type { ResponseKind } from '#core/protocols/kubernetes/schema.ts';
import { Stream } from '#core/recording/format.ts';
import { type BodyRecording, DigestRecording, FullRecording, WithheldRecording } from './answer-body.ts';
import type { Asking } from './asking.ts';
import { pairsOf } from './pairs.ts';
import { answerHead, passingTrailers } from './response-head.ts';
import type { CallSession } from './session.ts';

const NEWLINE = 10;
/** Who has it wait: the client reads slowly; the recorder is behind. */
const CLIENT = 1;
const RECORDER = 2;

/** Where it comes from. */
export interface AnswerSource {
  pause(): void;
  resume(): void;
}

export interface AnswerParts {
  readonly session: CallSession;
  readonly asking: Asking;
  readonly call: Call;
  readonly number: number;
  readonly withholding: Withholding | undefined;
  /** It cannot go on to the client. */
  readonly onLost: (cause: Error) => void;
}

export class Answer {
  readonly #parts: AnswerParts;
  readonly #kind: ResponseKind;
  #recording: BodyRecording | undefined;
  #source: AnswerSource | undefined;
  #status = 0;
  #bytes = 0;
  #waits = 0;
  /** Pieces that nothing on the tape stands for yet. */
  #kept: Buffer[] = [];
  #isEvents = false;
  /** What was passed ends with a whole line. */
  #atLineEnd = true;

  constructor(parts: AnswerParts) {
    this.#parts = parts;
    this.#kind = kindOf(parts.call);
  }

  /** 0 while there is none. */
  get status(): number {
    return this.#status;
  }

  /** Between two events of a watch in JSON. */
  get maySayEvent(): boolean {
    return this.#isEvents && this.#atLineEnd && this.#kept.length === 0;
  }

  /** `raw`: names and values, one after the other. */
  head(status: number, raw: readonly (Buffer | string)[], source: AnswerSource): void {
    const { session, asking, number, withholding } = this.#parts;
    const { shown, pass, type, encoding } = answerHead(raw, withholding !== undefined);
    this.#source = source;
    this.#heed(session.parts.records.response(Stream.target, number, { status, headers: shown }));
    this.#status = status;
    this.#recording = this.#recordingOf(status, type, encoding);
    this.#whenTimely(() => {
      this.#isEvents =
        this.#kind === 'watch' && encoding === undefined && /^application\/json\b/.test(type ?? '');
      asking.answer(status, pass, asking.method === 'HEAD' || status === 204 || status === 304);
    });
    if (this.#waits !== 0) source.pause();
  }

  piece(bytes: Buffer): void {
    const recording = this.#recording!;
    this.#bytes += bytes.length;
    this.#heed(recording.heard(bytes));
    if (recording.pending > 0) this.#kept.push(bytes);
    else if (this.#kept.length === 0) this.#pass(bytes);
    else this.#passKept(bytes);
  }

  /** `trailers`: names and values, one after the other. Calls `ended` when the client has it all. */
  end(trailers: readonly string[], ended: () => void): void {
    const { session, asking, number } = this.#parts;
    this.#heed(this.#over());
    this.#passKept();
    const more = trailers.length === 0 ? {} : { trailers: pairsOf(trailers) };
    this.#heed(session.parts.records.end(Stream.target, number, { bytes: this.#bytes, ...more }));
    this.#whenTimely(() => {
      asking.end(passingTrailers(trailers));
      ended();
    });
  }

  /** It will have no end. What was heard of it is on the tape. */
  cut(): void {
    this.#over();
    this.#kept = [];
  }

  hold(): void {
    this.#wait(RECORDER);
  }

  resume(): void {
    this.#goOn(RECORDER);
  }

  /** Told once what was heard of it. */
  #over(): boolean {
    const keepsUp = this.#recording?.over() ?? true;
    this.#recording = undefined;
    return keepsUp;
  }

  #recordingOf(status: number, type: string | undefined, encoding: string | undefined): BodyRecording {
    const { session, number, withholding } = this.#parts;
    const { records, target } = session.parts;
    if (withholding !== undefined)
      return new WithheldRecording(
        records,
        Stream.target,
        number,
        withholding.response(status, type, encoding),
      );
    const isDigest = target.recording.responses[this.#kind] === 'digest';
    return isDigest ? new DigestRecording(records, number) : new FullRecording(records, number);
  }

  #passKept(last?: Buffer): void {
    for (const bytes of this.#kept.splice(0)) this.#pass(bytes);
    if (last !== undefined) this.#pass(last);
  }

  #pass(bytes: Buffer): void {
    this.#whenTimely(() => this.#write(bytes));
  }

  #whenTimely(goOn: () => void): void {
    const { session, asking, onLost } = this.#parts;
    session.whenTimely(() => asking.gone || goOn(), onLost);
  }

  #write(bytes: Buffer): void {
    const { asking } = this.#parts;
    this.#atLineEnd = bytes[bytes.length - 1] === NEWLINE;
    if (asking.write(bytes) || (this.#waits & CLIENT) !== 0) return;
    this.#wait(CLIENT);
    asking.onDrain(() => this.#goOn(CLIENT));
  }

  #heed(keepsUp: boolean): void {
    if (!keepsUp) this.#parts.session.waitForRecorder();
  }

  #wait(why: number): void {
    this.#waits |= why;
    this.#source?.pause();
  }

  #goOn(why: number): void {
    if ((this.#waits & why) === 0) return;
    this.#waits &= ~why;
    if (this.#waits === 0) this.#source?.resume();
  }
}

function kindOf(call: Call): ResponseKind {
  if (call.kind === 'path') return 'other';
  if (call.subresource === 'log') return 'logs';
  const { verb } = call;
  return verb === 'get' || verb === 'list' || verb === 'watch' ? verb : 'other';
}
