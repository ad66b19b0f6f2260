import { asCustodyError, type CustodyError } from '#core/errors.ts';
import { readyForQuery, type TransactionStatus } from './backend.ts';
import { ClientPieces, type Piece, type Sent } from './client-pieces.ts';
import { Frontend } from './messages.ts';
import { failedTransaction, notApproved } from './not-approved.ts';
import { failure, SettingsQuestion } from './own-questions.ts';
import { errorResponseFor } from './sqlstate.ts';
import type { Passed, StatementGate } from './statement-gate.ts';
import { type Heard, TargetSide } from './target-side.ts';
import { concat, message } from './wire.ts';

/** Pieces that wait beyond which the client is not read. */
const FULL_BYTES = 256 << 10;

/** What a session for exact commands does through the relay that it is part of. */
export interface Hands {
  /** What the client sent, to the target. */
  forward(bytes: Uint8Array): void;
  /** What the target said, to be recorded, to the client. */
  pass(bytes: Uint8Array): void;
  /** The gateway's own words, to be recorded, to the client. */
  say(bytes: Uint8Array): void;
  /** The gateway's own words to the target. */
  ask(bytes: Uint8Array): void;
  /** A side fact for the recording. */
  note(fact: { readonly note: string } & Readonly<Record<string, unknown>>): void;
  /** The grant becomes this session's; once this has resolved it is nobody else's. Rejects with `conflict` when it is already. */
  claim(): Promise<void>;
  /** The session cannot go on. */
  end(error: CustodyError): void;
  /** The session takes more of the client's again. */
  drained(): void;
}

/**
 * A session that runs approved commands alone. The client's pieces go to the target one after the other, each when the one before
 * it is answered: so a piece that does not pass can be refused in its place, in the protocol's own words, and the session goes
 * on. The grant is used when the first approved command is about to go on, and not before.
 */
export class ExactSession {
  readonly #gate: StatementGate;
  readonly #hands: Hands;
  readonly #target: TargetSide;
  readonly #settings: SettingsQuestion;
  readonly #pieces = new ClientPieces();
  readonly #queue: Piece[] = [];
  #queuedBytes = 0;
  /** So much of the first piece has gone on. */
  #passedBytes = 0;
  #working = false;
  #stopped = false;
  #begun = false;
  #claimed = false;
  /** Parts of a pipeline are at the target, without their Sync. */
  #partly = false;
  /** What comes is passed over until a Sync, as a server does after an error: then the target answers it, or the gateway. */
  #skipping: 'target-answers' | 'gateway-answers' | undefined;
  #whenLeft: (() => void) | undefined;

  /** `settings`: what has to hold for an approved text to mean what it says. */
  constructor(gate: StatementGate, settings: ReadonlyMap<string, string>, hands: Hands) {
    this.#gate = gate;
    this.#hands = hands;
    this.#settings = new SettingsQuestion(settings);
    this.#target = new TargetSide({
      pass: (bytes) => hands.pass(bytes),
      heard: (what) => this.#heard(what),
    });
  }

  /** True when the client is to wait: more of its pieces are kept than should be. */
  get full(): boolean {
    return this.#queuedBytes > FULL_BYTES;
  }

  /** What the client sent after its login, in any pieces. */
  fromClient(bytes: Uint8Array): void {
    if (this.#stopped) return;
    // A copy: what is not whole yet waits for the rest.
    for (const piece of this.#pieces.take(Uint8Array.from(bytes))) this.#enqueue(piece);
    if (!this.#working) void this.#work();
  }

  /** Goes on when nothing of the client's does any more: its last answer may not be whole yet. */
  fromTarget(bytes: Uint8Array): void {
    try {
      this.#target.take(bytes);
    } catch (error) {
      this.#end(asCustodyError(error));
    }
  }

  /** The client has gone: calls `left` once what it sent before its goodbye was answered; at once, where it said none. */
  whenLeft(left: () => void): void {
    if (this.#stopped || !this.#queue.some(({ end }) => end === 'terminate')) return left();
    this.#whenLeft = left;
  }

  /** Nothing goes on any more. Returns how many bytes of the client's that concerns. */
  stop(): number {
    const dropped = this.#queuedBytes - this.#passedBytes;
    this.#stopped = true;
    this.#queue.length = 0;
    this.#queuedBytes = 0;
    this.#passedBytes = 0;
    return dropped;
  }

  #enqueue(piece: Piece): void {
    this.#queue.push(piece);
    this.#queuedBytes += piece.bytes.length;
  }

  async #work(): Promise<void> {
    this.#working = true;
    try {
      for (let piece = this.#queue[0]; piece !== undefined; piece = this.#queue[0]) {
        await this.#take(piece);
        if (this.#stopped) return;
        this.#queue.shift();
        this.#passedBytes = 0;
        this.#taken(piece.bytes.length);
      }
    } catch (error) {
      this.#end(asCustodyError(error));
    } finally {
      this.#working = false;
    }
  }

  #taken(bytes: number): void {
    const { full } = this;
    this.#queuedBytes -= bytes;
    if (full && !this.full) this.#hands.drained();
  }

  async #take(piece: Piece): Promise<void> {
    if (piece.end === 'terminate') return this.#leave(piece);
    if (piece.end === 'fatal') return this.#end(piece.problem!);
    if (this.#skipping !== undefined) return this.#skip(piece);
    let passed: Passed;
    try {
      await this.#begin();
      passed = await this.#admit(piece);
    } catch (error) {
      return this.#refuse(piece, asCustodyError(error));
    }
    await this.#forward(piece, passed.looks);
  }

  #leave(piece: Piece): void {
    this.#pass(piece.bytes);
    this.#whenLeft?.();
  }

  /** `said`: how much of it is the client's. */
  #pass(bytes: Uint8Array, said = bytes.length): void {
    this.#passedBytes += said;
    this.#hands.forward(bytes);
  }

  /** Before anything of the client's: what the login brought with it, before a transaction could be in the way of asking. */
  async #begin(): Promise<void> {
    if (this.#begun) return;
    const answers = await this.#target.ask(this.#settings.ofLogin(), this.#hands);
    this.#require(() => this.#settings.checkLogin(answers));
    await this.#requireSettings();
    this.#begun = true;
  }

  /** Rejects with why the piece may not go on. When it resolves, what it runs has been counted, and the grant is this session's. */
  async #admit(piece: Piece): Promise<Passed> {
    const passed = this.#gate.judge(piece);
    if (passed.acts) {
      // In a transaction that has failed a server runs nothing but its end, and does not say how it reads a text.
      if (this.#target.status !== 'E') await this.#requireSettings();
      else if (!passed.ends) throw failedTransaction();
    }
    if (passed.runs > 0) await this.#claim();
    passed.pass();
    return passed;
  }

  async #requireSettings(): Promise<void> {
    const answers = await this.#target.ask(this.#settings.inForce(this.#partly), this.#hands);
    this.#require(() => this.#settings.check(answers));
  }

  #require(check: () => void): void {
    try {
      check();
    } catch (thrown) {
      const error = asCustodyError(thrown);
      // Whatever it was that changed them, no later command could be told from it. One that was cancelled is asked again.
      if (!isCancelled(error)) this.#end(error);
      throw error;
    }
  }

  async #claim(): Promise<void> {
    if (this.#claimed) return;
    try {
      await this.#hands.claim();
    } catch (thrown) {
      const error = asCustodyError(thrown);
      // To a client a conflict would be something to try again.
      throw error.code === 'conflict' ? notApproved('this command', error.message) : error;
    }
    if (this.#stopped) return;
    this.#claimed = true;
    this.#hands.note({ note: 'grant-used' });
  }

  /** In parts, where it has to be looked in between; the target passes over what comes behind one that failed. */
  async #forward({ end, messages, bytes }: Piece, looks: readonly number[]): Promise<void> {
    let from = 0;
    let failed = false;
    for (const at of looks) {
      failed = await this.#forwardPart(messages.slice(from, at));
      from = at;
      failed ||= !(await this.#looksRight());
      if (failed) break;
    }
    if (!(failed && end === 'flush')) {
      const rest = messages.slice(from);
      failed = await this.#forwardRest(end, rest, from === 0 ? bytes : bytesOf(rest));
    }
    if (failed && end === 'flush') this.#skipping = 'target-answers';
  }

  /** False when the look was cancelled: then the pipeline has failed, as by a command that was. */
  async #looksRight(): Promise<boolean> {
    try {
      await this.#requireSettings();
      return true;
    } catch (thrown) {
      const error = asCustodyError(thrown);
      if (!isCancelled(error)) throw error;
      if (!this.#stopped) this.#hands.say(errorResponseFor(error, 'ERROR'));
      return false;
    }
  }

  #forwardPart(part: readonly Sent[]): Promise<boolean> {
    const said = bytesOf(part);
    return this.#forwardRest('flush', part, concat([said, message(Frontend.flush)]), said.length);
  }

  async #forwardRest(
    end: Piece['end'],
    messages: readonly Sent[],
    bytes: Uint8Array,
    said = bytes.length,
  ): Promise<boolean> {
    if (this.#stopped) return false;
    const answered = this.#target.answers(end === 'flush' ? messages.map((sent) => sent.message) : undefined);
    this.#pass(bytes, said);
    this.#partly = end === 'flush';
    return answered;
  }

  /** As a server: ReadyForQuery after a query, at the Sync of a pipeline, and a transaction that is open has failed. */
  async #refuse(piece: Piece, error: CustodyError): Promise<void> {
    if (this.#stopped) return;
    const { code, message } = error;
    this.#hands.note({ note: code === 'not-approved' ? code : 'refused', message });
    const inTransaction = this.#target.status === 'T' || this.#partly;
    // What was cancelled has failed at the target already.
    if (inTransaction && !isCancelled(error)) await this.#target.ask(failure(this.#partly), this.#hands);
    else await this.#target.betweenMessages();
    if (this.#stopped) return;
    this.#hands.say(errorResponseFor(error, 'ERROR'));
    if (piece.end === 'query') return this.#sayReady();
    this.#skipping = this.#partly ? 'target-answers' : 'gateway-answers';
    if (piece.end === 'sync') await this.#skip(piece);
  }

  async #skip({ end, messages }: Piece): Promise<void> {
    if (end !== 'sync') return;
    const by = this.#skipping;
    this.#skipping = undefined;
    this.#partly = false;
    const sync = messages.at(-1)!;
    this.#gate.judge({ end, messages: [sync], bytes: sync.whole }).pass();
    if (by === 'gateway-answers') return this.#sayReady();
    const answered = this.#target.answers(undefined);
    this.#pass(sync.whole);
    await answered;
  }

  #sayReady(): void {
    this.#hands.say(readyForQuery(this.#target.status as TransactionStatus));
  }

  #heard(what: Heard): void {
    if (what.kind === 'copy-in')
      return this.#end(notApproved('a COPY', 'the data that it wants is not part of what was approved'));
    if (this.#settings.allows(what.name, what.value)) return;
    this.#end(
      notApproved(
        'anything more',
        `the setting ${what.name} was changed, and texts could mean something else`,
      ),
    );
  }

  #end(error: CustodyError): void {
    if (this.#stopped) return;
    this.#hands.end(error);
  }
}

function isCancelled({ code }: CustodyError): boolean {
  return code === 'too-slow';
}

function bytesOf(messages: readonly Sent[]): Uint8Array {
  return concat(messages.map(({ whole }) => whole));
}
