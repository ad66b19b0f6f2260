import { type BackendMessage, parseBackend } from './backend.ts';
import { Backend } from './messages.ts';
import type { OwnQuestion } from './target-side.ts';
import { concat, copyOf, readInt32, violation } from './wire.ts';

const HEADER_BYTES = 5;
/** Longer ones are passed by their type alone. */
const LOOKED_AT_BYTES = 256 << 10;
/** What the target may say while it is held, before it is not read any more. */
const FULL_BYTES = 256 << 10;
const ANSWERS_MAX = 1_000;
const NONE = new Uint8Array(0);

/** Where a message's body is, as long as it is looked at: a view for each would cost more than all that is done with most of them. */
export interface MessageBody {
  readonly bytes: Uint8Array;
  readonly from: number;
  readonly end: number;
}

/** What becomes of the target's stream at a message. */
export type Hold = 'no' | 'before' | 'after';

export interface TargetEars {
  /** To the client. Nothing is held back longer than until its message is whole, but for what `hold` says. */
  pass(bytes: Uint8Array): void;
  /** A row of an answer. */
  row(): Hold;
  /** Any other message that an answer is made of. `body` undefined: it is too long to be looked at. */
  message(type: number, body: MessageBody | undefined): Hold;
  /** The target has answered the gateway, and says how its transaction stands. */
  ready(status: string): void;
  /** The target is read again. */
  drained(): void;
}

interface Asked {
  readonly until: OwnQuestion['until'];
  readonly answers: BackendMessage[];
  readonly done: (answers: readonly BackendMessage[]) => void;
}

/**
 * The target's stream in a session that is a task: steps over rows and data by their headers, gives the few other messages to
 * whoever knows whose answers they are, and can be held before any of them. Answers to the gateway's own questions stay here.
 */
export class ContractTarget {
  readonly #ears: TargetEars;
  /** Of the message that the stream stands within: what is passed as it comes. */
  #skip = 0;
  /** What has come and was not passed: less than a message, or all of it while it is held. */
  #kept: Uint8Array = NONE;
  #held = false;
  #asked: Asked | undefined;
  #whenBetween: (() => void)[] = [];

  constructor(ears: TargetEars) {
    this.#ears = ears;
  }

  /** Nothing passes until `release`. */
  get held(): boolean {
    return this.#held;
  }

  /** More than should be kept has come while it is held. */
  get full(): boolean {
    return this.#held && this.#kept.length > FULL_BYTES;
  }

  /** Throws `protocol-violation` for what no server sends. */
  take(bytes: Uint8Array): void {
    if (this.#held) this.#kept = concat([this.#kept, bytes]);
    else this.#scan(this.#kept.length === 0 ? bytes : concat([this.#kept, bytes]));
  }

  /** Goes on behind where it was held. */
  release(): void {
    const { full } = this;
    this.#held = false;
    this.#scan(this.#kept);
    if (full && !this.full) this.#ears.drained();
  }

  /** Resolves when the client has whole messages alone. */
  betweenMessages(): Promise<void> {
    if (this.#skip === 0) return Promise.resolve();
    return new Promise((between) => void this.#whenBetween.push(between));
  }

  /** Asks when nothing else is asked, and keeps the answer from the client. */
  async ask(
    { bytes, until }: OwnQuestion,
    hands: { ask(bytes: Uint8Array): void },
  ): Promise<readonly BackendMessage[]> {
    await this.betweenMessages();
    const answered = new Promise<readonly BackendMessage[]>(
      (done) => void (this.#asked = { until, answers: [], done }),
    );
    hands.ask(bytes);
    return answered;
  }

  #scan(bytes: Uint8Array): void {
    const { length } = bytes;
    let at = Math.min(this.#skip, length);
    this.#skip -= at;
    let from = 0;
    while (at + HEADER_BYTES <= length) {
      const type = bytes[at]!;
      const size = readInt32(bytes, at + 1);
      if (size < 4) throw violation('invalid message length');
      const end = at + 1 + size;
      const isOwn = this.#asked !== undefined && !PASSING.has(type);
      if (isOwn) {
        if (size > LOOKED_AT_BYTES) throw violation('the target answered the gateway at length');
        if (end > length) break;
        if (at > from) this.#ears.pass(bytes.subarray(from, at));
        this.#answered(type, bytes.subarray(at, end));
        from = at = end;
        continue;
      }
      let hold: Hold = 'no';
      if (type === Backend.dataRow) hold = this.#ears.row();
      else if (!STREAMED.has(type)) {
        const isLong = size > LOOKED_AT_BYTES;
        if (end > length && !isLong) break;
        const body = isLong ? undefined : { bytes, from: at + HEADER_BYTES, end };
        hold = this.#ears.message(type, body);
      }
      if (hold !== 'no') return this.#hold(bytes, from, at, end, hold);
      at = end;
    }
    const whole = Math.min(at, length);
    this.#skip = at - whole;
    if (whole > from) this.#ears.pass(bytes.subarray(from, whole));
    this.#kept = whole === length ? NONE : copyOf(bytes.subarray(whole));
    this.#toldBetween();
  }

  #hold(bytes: Uint8Array, from: number, at: number, end: number, hold: 'before' | 'after'): void {
    this.#held = true;
    const whole = Math.min(bytes.length, hold === 'before' ? at : end);
    // Behind a row that is let go after all, it is that row that comes first: it was looked at.
    this.#skip = hold === 'before' ? end - at : end - whole;
    if (whole > from) this.#ears.pass(bytes.subarray(from, whole));
    this.#kept = copyOf(bytes.subarray(whole));
  }

  #toldBetween(): void {
    if (this.#skip > 0 || this.#whenBetween.length === 0) return;
    for (const between of this.#whenBetween.splice(0)) between();
  }

  #answered(type: number, whole: Uint8Array): void {
    const asked = this.#asked!;
    const answer = parseBackend(type, copyOf(whole.subarray(HEADER_BYTES)));
    // No answer, but why the target closes the connection now: that is the client's to read.
    if (isLastWord(answer)) return this.#ears.pass(whole);
    if (answer.kind === 'ready-for-query') this.#ears.ready(answer.status);
    if (asked.answers.push(answer) > ANSWERS_MAX)
      throw violation('the target answered the gateway at length');
    if (!asked.until(answer)) return;
    this.#asked = undefined;
    asked.done(asked.answers);
  }
}

/** PostgreSQL before 9.6 has the severity in the server's language alone. */
export function isLastWord(answer: BackendMessage): boolean {
  if (answer.kind !== 'error') return false;
  return ['FATAL', 'PANIC'].includes(answer.fields.get('V') ?? answer.fields.get('S') ?? '');
}

/** May come at any time. */
const PASSING: ReadonlySet<number> = new Set([
  Backend.noticeResponse,
  Backend.notificationResponse,
  Backend.parameterStatus,
]);

/** Passed as they come. */
const STREAMED: ReadonlySet<number> = new Set([Backend.copyData]);
