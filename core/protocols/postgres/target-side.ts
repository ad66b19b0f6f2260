import { type BackendMessage, parseBackend } from './backend.ts';
import type { FrontendMessage } from './frontend.ts';
import { Backend, MessageReader, type WholeMessage } from './messages.ts';
import { message, violation } from './wire.ts';

/** Messages whose content is looked at are small; of longer ones the type is enough. */
const KEPT_BYTES = 64 << 10;
/** Rows of an answer to the gateway's own question. */
const ANSWER_MAX = 1_000;

/** What the target tells in passing. */
export type Heard =
  | { readonly kind: 'setting'; readonly name: string; readonly value: string }
  | { readonly kind: 'copy-in' };

export interface Ears {
  /** To the client. */
  pass(bytes: Uint8Array): void;
  heard(what: Heard): void;
}

/** What the gateway asks the target in its own name. */
export interface OwnQuestion {
  readonly bytes: Uint8Array;
  /** The message that ends the answer. */
  readonly until: (message: BackendMessage) => boolean;
}

/** Somebody waits for the target's answer to a piece. */
interface Waiting {
  /** How many messages end it; without it, ReadyForQuery does. */
  left: number | undefined;
  failed: boolean;
  readonly done: (failed: boolean) => void;
}

interface Asked {
  readonly until: OwnQuestion['until'];
  readonly answers: BackendMessage[];
  readonly done: (answers: readonly BackendMessage[]) => void;
}

/**
 * The target's stream in a session where the gateway has to speak in between: knows when what was sent is answered, keeps answers
 * to the gateway's own questions from the client, and passes everything else as it comes.
 */
export class TargetSide {
  readonly #ears: Ears;
  readonly #reader = new MessageReader(KEPT_BYTES);
  #status = 'I';
  #waiting: Waiting | undefined;
  #asked: Asked | undefined;
  /** Bytes cannot be passed on as they are: some of their messages are not for the client. */
  #byMessage = false;
  #whenBetween: (() => void)[] = [];

  constructor(ears: Ears) {
    this.#ears = ears;
  }

  /** The transaction's, as the target told it last: I, T or E. */
  get status(): string {
    return this.#status;
  }

  /** Throws `protocol-violation` for what no server sends. */
  take(bytes: Uint8Array): void {
    const byMessage = this.#byMessage;
    if (!byMessage) this.#ears.pass(bytes);
    this.#reader.push(bytes);
    for (const wire of this.#reader) {
      if (wire.truncated) this.#long(wire.type, byMessage);
      else this.#whole(wire, byMessage);
    }
    if (this.#reader.incomplete) return;
    if (this.#asked === undefined) this.#byMessage = false;
    for (const between of this.#whenBetween.splice(0)) between();
  }

  /** Resolves when the target stands between two messages. */
  betweenMessages(): Promise<void> {
    if (!this.#reader.incomplete) return Promise.resolve();
    return new Promise((between) => void this.#whenBetween.push(between));
  }

  /**
   * Resolves when what is sent now is answered: by ReadyForQuery, or, for messages without a Sync, when each of them is; with
   * true when one of them failed.
   */
  answers(messages: readonly FrontendMessage[] | undefined): Promise<boolean> {
    const left = messages?.filter(({ kind }) => kind !== 'flush').length;
    return new Promise((done) => void (this.#waiting = { left, failed: false, done }));
  }

  /** Asks when nothing else is asked, and keeps the answer from the client. */
  async ask(
    { bytes, until }: OwnQuestion,
    hands: { ask(bytes: Uint8Array): void },
  ): Promise<readonly BackendMessage[]> {
    await this.betweenMessages();
    this.#byMessage = true;
    const answered = new Promise<readonly BackendMessage[]>(
      (done) => void (this.#asked = { until, answers: [], done }),
    );
    hands.ask(bytes);
    return answered;
  }

  #long(type: number, byMessage: boolean): void {
    if (byMessage) throw violation('the target answered the gateway at length');
    this.#progress(type);
  }

  #whole({ type, body }: WholeMessage, byMessage: boolean): void {
    const isOwn = this.#asked !== undefined && !PASSING.includes(type);
    if (byMessage && !isOwn) this.#ears.pass(message(type, body));
    if (type === Backend.readyForQuery) this.#status = String.fromCharCode(body[0] ?? 0);
    if (isOwn) return this.#answered(type, body);
    if (type === Backend.parameterStatus) this.#setting(body);
    this.#progress(type);
  }

  #setting(body: Uint8Array): void {
    const told = parseBackend(Backend.parameterStatus, body);
    if (told.kind === 'parameter-status')
      this.#ears.heard({ kind: 'setting', name: told.name, value: told.value });
  }

  #answered(type: number, body: Uint8Array): void {
    const asked = this.#asked!;
    const answer = parseBackend(type, body.slice());
    // No answer, but why the target closes the connection now: that is the client's to read.
    if (isLastWord(answer)) return this.#ears.pass(message(type, body));
    if (asked.answers.push(answer) > ANSWER_MAX) throw violation('the target answered the gateway at length');
    if (!asked.until(answer)) return;
    this.#asked = undefined;
    asked.done(asked.answers);
  }

  #progress(type: number): void {
    if (type === Backend.copyInResponse || type === Backend.copyBothResponse)
      this.#ears.heard({ kind: 'copy-in' });
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    const isError = type === Backend.errorResponse;
    waiting.failed ||= isError;
    if (waiting.left === undefined) {
      if (type !== Backend.readyForQuery) return;
    } else if (!isError) {
      if (ENDS_ONE.includes(type)) waiting.left -= 1;
      if (waiting.left > 0) return;
    }
    this.#waiting = undefined;
    waiting.done(waiting.failed);
  }
}

/** PostgreSQL before 9.6 has the severity in the server's language alone. */
function isLastWord(answer: BackendMessage): boolean {
  if (answer.kind !== 'error') return false;
  return ['FATAL', 'PANIC'].includes(answer.fields.get('V') ?? answer.fields.get('S') ?? '');
}

/** May come at any time. */
const PASSING: readonly number[] = [
  Backend.noticeResponse,
  Backend.notificationResponse,
  Backend.parameterStatus,
];

/** Each is the last answer to one message of the extended protocol. */
const ENDS_ONE: readonly number[] = [
  Backend.parseComplete,
  Backend.bindComplete,
  Backend.closeComplete,
  Backend.rowDescription,
  Backend.noData,
  Backend.commandComplete,
  Backend.emptyQueryResponse,
  Backend.portalSuspended,
];
