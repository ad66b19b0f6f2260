import { createHash, type Hash } from 'node:crypto';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { type Deviation, deviationWords } from '#core/tasks/deviation.ts';
import { hasInput, inputDeviation } from '#core/tasks/input-deviations.ts';
import type { Outcome, TaskSession } from '#core/tasks/session.ts';
import { noticeResponse, readyForQuery } from './backend.ts';
import { ContractAnswers } from './contract-answers.ts';
import type { Going } from './contract-going.ts';
import { ContractJudge, type Judged, type Looked } from './contract-judge.ts';
import { type ContractPiece, ContractPieces, kept, partsOf } from './contract-pieces.ts';
import type { CommandSight } from './contract-sight.ts';
import { ContractTarget } from './contract-target.ts';
import { Frontend } from './messages.ts';
import { failure, SettingsQuestion, stillThere } from './own-questions.ts';
import { errorResponseFor } from './sqlstate.ts';
import { cstring, message } from './wire.ts';

/** Pieces that wait beyond which the client is not read. */
const FULL_BYTES = 256 << 10;
/** How old what is known of the settings may become while commands run that call no function: triggers and views may. */
const LOOK_AGAIN_MS = 1_000;
/** How long a pipeline that was refused may take to its Sync. */
const SYNC_MS = 1_000;
/** While reviewers think, the target is asked for a sign of life this often. */
const ALIVE_MS = 30_000;

/** What a session that is a task does through the relay that it is part of. */
export interface ContractHands {
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
  /** The session cannot go on. */
  end(error: CustodyError): void;
  /** The session takes more of the client's again; of the target's. */
  drained(): void;
  targetDrained(): void;
  /** Milliseconds, monotonic. */
  now(): number;
  /** Calls `work` once, later, unless what is returned is called before. */
  later(ms: number, work: () => void): () => void;
}

/**
 * A session that is a task of a run: nothing goes on but what its contract lets pass, and what comes back is looked at as it
 * passes. One piece is at the target at a time, so that a refusal stands in its place; a piece whose judgement needs nobody else goes
 * on in the very call that brought it.
 */
export class ContractSession {
  readonly #task: TaskSession;
  readonly #hands: ContractHands;
  readonly #judge: ContractJudge;
  readonly #target: ContractTarget;
  readonly #answers: ContractAnswers;
  readonly #settings: SettingsQuestion;
  readonly #pieces = new ContractPieces();
  readonly #queue: ContractPiece[] = [];
  #queuedBytes = 0;
  #stopped = false;
  /** `looking`: at the head of the queue, for somebody else's answer. `answering`: the target does. */
  #state: 'calm' | 'looking' | 'answering' = 'calm';
  /** The login was asked what it brings. */
  #known = false;
  #begun = false;
  /** When the settings were looked at last; -Infinity when something may have changed them since. */
  #lookedAt = -Infinity;
  #actedSince = false;
  /** Parts of a pipeline are at the target, without their Sync. */
  #partly = false;
  /** What comes is passed over until a Sync, as a server does after an error: then the target answers it, or the gateway. */
  #skipping: 'target-answers' | 'gateway-answers' | undefined;
  /** Why the session ends at the Sync of what comes. */
  #ending: CustodyError | undefined;
  /** The COPY that takes data. */
  #copying: { readonly run: Going; readonly hash: Hash | undefined; bytes: number } | undefined;
  #copyOver = false;
  /** Reviewers are waited for. */
  #waiting: AbortController | undefined;
  /** A question of the gateway's was cancelled: that has failed what is open. */
  #failedThere = false;
  #whenLeft: (() => void) | undefined;
  #slow: (() => void) | undefined;
  #tooLate: (() => void) | undefined;
  /** Deviations of answers are told one after the other. */
  #telling: Promise<void> = Promise.resolve();

  /** `settings`: what has to hold for a text to mean what it says. */
  constructor(
    task: TaskSession,
    sight: CommandSight,
    settings: ReadonlyMap<string, string>,
    hands: ContractHands,
  ) {
    this.#task = task;
    this.#hands = hands;
    this.#settings = new SettingsQuestion(settings);
    this.#judge = new ContractJudge(task.contract, task.facts, sight);
    this.#answers = new ContractAnswers(this.#judge, {
      now: () => hands.now(),
      deviates: (run, deviations) => this.#answerDeviates(run, deviations),
      copyIn: (run) => this.#copyIn(run),
      setting: (name, value) => this.#setting(name, value),
      over: (run) => this.#runOver(run),
      answered: (failed) => this.#answered(failed),
    });
    this.#target = new ContractTarget({
      pass: (bytes) => hands.pass(bytes),
      row: () => this.#answers.row(),
      message: (type, body) => this.#answers.message(type, body),
      ready: (status) => this.#answers.told(status),
      drained: () => hands.targetDrained(),
    });
  }

  /** True when the client is to wait: more of its pieces are kept than should be. */
  get full(): boolean {
    return this.#queuedBytes > FULL_BYTES;
  }

  /** True when the target is to wait. */
  get targetFull(): boolean {
    return this.#target.full;
  }

  /** What the client sent after its login, in any pieces. */
  fromClient(bytes: Uint8Array): void {
    if (this.#stopped) return;
    this.#guarded(() => this.#pieces.take(plain(bytes), (piece) => this.#arrived(piece)));
  }

  /** Goes on when nothing of the client's does any more: its last answer may not be whole yet. */
  fromTarget(bytes: Uint8Array): void {
    if (this.#stopped && this.#target.held) return;
    this.#guarded(() => {
      this.#target.take(plain(bytes));
      this.#work();
    });
  }

  /** The client has gone: calls `left` once what it sent before its goodbye was answered; at once, where it said none. */
  whenLeft(left: () => void): void {
    if (this.#stopped || this.#waiting !== undefined || !this.#queue.some(({ end }) => end === 'terminate')) {
      this.#giveUp(new CustodyError('peer-left', 'the client has gone'));
      return left();
    }
    this.#whenLeft = left;
  }

  /** The client wants what it waits for to end. True where that is not at the target. */
  cancel(): boolean {
    if (this.#waiting === undefined) return false;
    this.#giveUp(new CustodyError('too-slow', 'canceling statement due to user request'));
    return true;
  }

  /** Nothing goes on any more. Returns how many bytes of the client's that concerns. */
  stop(): number {
    const dropped = this.#queuedBytes;
    this.#stopped = true;
    this.#queue.length = 0;
    this.#queuedBytes = 0;
    this.#slow?.();
    this.#tooLate?.();
    this.#giveUp(new CustodyError('terminated', 'the session has ended'));
    return dropped;
  }

  #giveUp(why: CustodyError): void {
    this.#waiting?.abort(why);
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#end(asCustodyError(error));
    }
  }

  #end(error: CustodyError): void {
    if (!this.#stopped) this.#hands.end(error);
  }

  #arrived(piece: ContractPiece): void {
    if (this.#stopped) return;
    if (this.#queue.length === 0 && this.#take(piece)) return;
    this.#queue.push(kept(piece));
    this.#queuedBytes += piece.bytes.length;
    this.#work();
  }

  #work(): void {
    const { full } = this;
    while (!this.#stopped && this.#queue.length > 0) {
      const piece = this.#queue[0]!;
      if (!this.#take(piece)) break;
      this.#shift(piece);
    }
    if (full && !this.full) this.#hands.drained();
  }

  #shift({ bytes }: ContractPiece): void {
    if (this.#stopped) return;
    this.#queue.shift();
    this.#queuedBytes -= bytes.length;
  }

  /** False when it has to wait, or is looked at by somebody else: then it is the head of the queue until that is over. */
  #take(piece: ContractPiece): boolean {
    if (piece.end === 'copy' || piece.end === 'copy-end') return this.#takeCopy(piece);
    if (this.#copying !== undefined && this.#state === 'answering') return this.#duringCopy(piece);
    if (this.#state !== 'calm') return false;
    if (piece.end === 'terminate') return this.#leave(piece);
    if (piece.end === 'fatal') throw piece.problem!;
    if (this.#skipping !== undefined) return this.#skip(piece);
    return this.#goesAtOnce(piece) || this.#takesTime(piece);
  }

  #leave({ bytes }: ContractPiece): true {
    this.#hands.forward(bytes);
    this.#whenLeft?.();
    return true;
  }

  /** The way of nearly all: known, as the contract has it, and nobody needs to be asked. */
  #goesAtOnce(piece: ContractPiece): boolean {
    if (!this.#known || piece.problem !== undefined) return false;
    const looked = this.#judge.look(piece);
    if (looked instanceof Promise) return false;
    const judged = this.#judge.judge(piece, looked, this.#task.elapsedMs());
    if (judged.problems.length > 0 || judged.cut !== undefined || (judged.runs && !this.#begun)) return false;
    if (judged.acts && this.#needsLook()) return false;
    this.#go(piece, judged);
    return true;
  }

  /** It stays at the head of the queue. One that is not there yet gets there after this. */
  #takesTime(piece: ContractPiece): false {
    this.#state = 'looking';
    queueMicrotask(() => void this.#slowly(this.#queue[0] ?? piece));
    return false;
  }

  async #slowly(piece: ContractPiece): Promise<void> {
    try {
      if (await this.#cuts(piece)) return this.#work();
      await this.#admitOrRefuse(piece);
      if (this.#stopped) return;
      this.#shift(piece);
      if (this.#state === 'looking') this.#state = 'calm';
      this.#work();
      if (!this.full) this.#hands.drained();
    } catch (error) {
      this.#end(asCustodyError(error));
    }
  }

  /** True where it goes on in two parts, so that what the first has changed is known before the second is read. */
  async #cuts(piece: ContractPiece): Promise<boolean> {
    if (piece.problem !== undefined) return false;
    const { cut, problems } = this.#judged(piece, await this.#judge.look(piece));
    if (cut === undefined || this.#stopped) return false;
    // All of it is refused.
    if (problems.length > 0 && this.#task.contract.declared.onDeviation === 'stop') return false;
    this.#queue.splice(0, 1, ...partsOf(piece, cut));
    this.#state = 'calm';
    return true;
  }

  async #admitOrRefuse(piece: ContractPiece): Promise<void> {
    let judged: Judged;
    try {
      judged = await this.#admit(piece);
    } catch (thrown) {
      const error = asCustodyError(thrown);
      if (error.code === 'peer-left' || error.code === 'terminated') return this.#forget(piece);
      return this.#refuse(piece, error);
    }
    if (!this.#stopped) this.#go(piece, judged);
  }

  #forget(piece: ContractPiece): void {
    if (piece.end !== 'sync') this.#skipping ??= 'target-answers';
  }

  /** Rejects with why the piece does not go on. When it resolves, the task is this session's. */
  async #admit(piece: ContractPiece): Promise<Judged> {
    await this.#knowLogin();
    if (piece.problem !== undefined) await this.#tellProblem(piece.problem);
    const looked = await this.#judge.look(piece);
    const first = this.#judged(piece, looked);
    if (first.acts && this.#answers.status !== 'E' && this.#needsLook()) await this.#lookAtSettings();
    if (first.runs && first.problems.length === 0) await this.#begin();
    // What was waited for may have taken the task's time.
    const judged = this.#judged(piece, looked);
    await this.#decide(judged);
    if (judged.runs) await this.#begin();
    return judged;
  }

  #judged(piece: ContractPiece, looked: Looked): Judged {
    return this.#judge.judge(piece, looked, this.#task.elapsedMs());
  }

  async #decide({ problems }: Judged): Promise<void> {
    for (const { deviation, text, isHard } of problems) {
      const outcome = await this.#deviated(deviation, text);
      if (!outcome.goesOn) throw outcome.ends ? new Ends(outcome.error) : outcome.error;
      if (isHard === true) throw refusalOf(deviation);
    }
  }

  /** What no contract can have: whatever becomes of the deviation, it does not go on. */
  async #tellProblem(problem: CustodyError): Promise<never> {
    const deviation: Deviation = {
      kind: 'unreadable',
      expected: 'commands of known shapes alone',
      seen: problem.message,
    };
    const outcome = await this.#deviated(deviation, '');
    if (!outcome.goesOn && outcome.ends) throw new Ends(outcome.error);
    throw problem;
  }

  /** While it waits, the client may cancel, and the target is kept from thinking that nobody is there. */
  async #deviated(deviation: Deviation, command: string): Promise<Outcome> {
    const waiting = new AbortController();
    const { signal } = waiting;
    const stopAlive = this.#keepAlive();
    this.#waiting = waiting;
    try {
      const decided = this.#task.deviated(deviation, {
        command,
        isAnswer: false,
        signal,
        announce: (words, hint) => this.#announce(words, hint),
      });
      return await Promise.race([decided, aborted(signal)]);
    } finally {
      this.#waiting = undefined;
      await stopAlive();
    }
  }

  #announce(words: string, hint: string): void {
    const notice = noticeResponse({ severity: 'NOTICE', sqlstate: '00000', message: words, hint });
    void this.#target.betweenMessages().then(() => {
      if (!this.#stopped) this.#hands.say(notice);
    });
  }

  /** Returns what ends it, once no question of it is open. */
  #keepAlive(): () => Promise<void> {
    let asked: Promise<unknown> = Promise.resolve();
    let stop = (): void => undefined;
    const again = (): void => {
      stop = this.#hands.later(ALIVE_MS, () => {
        if (!this.#partly) asked = this.#target.ask(stillThere(), this.#hands);
        again();
      });
    };
    again();
    return async () => {
      stop();
      await asked;
    };
  }

  async #knowLogin(): Promise<void> {
    if (this.#known) return;
    const answers = await this.#target.ask(this.#settings.ofLogin(), this.#hands);
    this.#require(() => this.#settings.checkLogin(answers));
    await this.#lookAtSettings();
    this.#known = true;
  }

  #needsLook(): boolean {
    return this.#actedSince && this.#hands.now() - this.#lookedAt > LOOK_AGAIN_MS;
  }

  async #lookAtSettings(): Promise<void> {
    const answers = await this.#target.ask(this.#settings.inForce(this.#partly), this.#hands);
    this.#require(() => this.#settings.check(answers));
    this.#lookedAt = this.#hands.now();
    this.#actedSince = false;
  }

  /** Whatever it was that changed them, no later command could be told from it. One that was cancelled is asked again. */
  #require(check: () => void): void {
    try {
      check();
    } catch (thrown) {
      const error = asCustodyError(thrown);
      if (!isCancelled(error)) throw new Ends(error);
      this.#failedThere = true;
      throw error;
    }
  }

  async #begin(): Promise<void> {
    if (this.#begun) return;
    await this.#task.begin();
    if (this.#begun || this.#stopped) return;
    this.#begun = true;
    const left = this.#task.contract.withinMs - this.#task.elapsedMs();
    this.#tooLate = this.#hands.later(left + 1, () => this.#guarded(() => this.#timeIsOver()));
  }

  #go(piece: ContractPiece, judged: Judged): void {
    judged.pass();
    const now = this.#hands.now();
    for (const step of judged.steps) {
      if (step.kind !== 'run') continue;
      step.run.since = now - step.run.spentMs;
      if (this.#judge.mayChangeMeaning(step.run)) this.#lookedAt = -Infinity;
    }
    this.#actedSince ||= judged.acts;
    this.#forward(piece, judged);
  }

  #forward({ end, bytes, isPart }: ContractPiece, { steps }: Pick<Judged, 'steps'>): void {
    this.#state = 'answering';
    this.#partly = end === 'flush';
    this.#answers.expect(steps, end !== 'flush');
    this.#watchTime(this.#answers.next);
    this.#hands.forward(bytes);
    if (isPart === true) this.#hands.ask(message(Frontend.flush));
  }

  #answered(failed: boolean): void {
    this.#state = 'calm';
    this.#copying = undefined;
    this.#copyOver = false;
    this.#slow?.();
    this.#slow = undefined;
    if (failed) {
      this.#partly = true;
      this.#skipping = 'target-answers';
    }
  }

  // COPY

  #copyIn(run: Going): void {
    const isLooked = run.at !== undefined && hasInput(this.#task.contract, run.at);
    this.#copying = { run, hash: isLooked ? createHash('sha256') : undefined, bytes: 0 };
    this.#copyOver = false;
  }

  /** Data goes on as it comes, once the target wants it; where it does not, it passes over it, and so does the gateway. */
  #takeCopy(piece: ContractPiece): boolean {
    if (this.#state === 'looking') return false;
    const copying = this.#copying;
    if (copying === undefined || this.#copyOver) return this.#state === 'calm';
    const { data, bytes, end } = piece;
    if (end === 'copy-end') return this.#copyEnds(piece);
    copying.hash?.update(data!);
    copying.bytes += data!.length;
    this.#hands.forward(bytes);
    return true;
  }

  #copyEnds(piece: ContractPiece): boolean {
    const { run, hash, bytes } = this.#copying!;
    const isDone = piece.bytes[0] === Frontend.copyDone;
    const { contract, facts } = this.#task;
    const given = { sha256: hash?.copy().digest('hex') ?? '', bytes };
    const deviation =
      isDone && hash !== undefined ? inputDeviation(contract, run.at!, 'copy', given, facts) : undefined;
    if (deviation !== undefined) return this.#copyDeviates(deviation, piece);
    this.#forwardCopyEnd(piece);
    return true;
  }

  /** In a pipeline a server keeps its answer until it has to say it, and the Sync behind is a piece of its own. */
  #forwardCopyEnd({ bytes }: ContractPiece): void {
    this.#hands.forward(bytes);
    this.#hands.ask(message(Frontend.flush));
    this.#copyOver = true;
  }

  /** Before its end nothing of a COPY is there for others to see: what is no input of the task fails as a whole. */
  #copyDeviates(deviation: Deviation, piece: ContractPiece): false {
    this.#state = 'looking';
    queueMicrotask(() => void this.#copySlowly(deviation, this.#queue[0] ?? piece));
    return false;
  }

  async #copySlowly(deviation: Deviation, piece: ContractPiece): Promise<void> {
    try {
      const outcome = await this.#deviated(deviation, this.#copying!.run.text).catch(refused);
      if (this.#stopped) return;
      if (!outcome.goesOn && outcome.ends) return this.#end(outcome.error);
      if (outcome.goesOn) this.#forwardCopyEnd(piece);
      else this.#hands.ask(message(Frontend.copyFail, cstring(outcome.error.message)));
      this.#copyOver = true;
      this.#state = 'answering';
      this.#shift(piece);
      this.#work();
    } catch (error) {
      this.#end(asCustodyError(error));
    }
  }

  /** The server passes over Flush and Sync while it takes data, and fails for everything else. */
  #duringCopy({ end, messages }: ContractPiece): boolean {
    if (this.#copyOver) return false;
    if (end === 'terminate' || end === 'fatal') throw new CustodyError('peer-left', 'the client left a COPY');
    if (messages.every(({ kind }) => kind === 'sync' || kind === 'flush')) return true;
    throw new CustodyError('protocol-violation', 'only data and its end may be sent during a COPY');
  }

  // Refusals

  /** As a server: ReadyForQuery after a query, at the Sync of a pipeline, and a transaction that is open has failed. */
  async #refuse(piece: ContractPiece, error: CustodyError): Promise<void> {
    if (this.#stopped) return;
    if (error instanceof Ends) return this.#endAtSync(piece, error.why);
    this.#hands.note({ note: 'refused', message: error.message });
    const isOpen = (this.#answers.status === 'T' || this.#partly) && !this.#failedThere;
    this.#failedThere = false;
    if (isOpen) await this.#target.ask(failure(this.#partly), this.#hands);
    else await this.#target.betweenMessages();
    if (this.#stopped) return;
    this.#hands.say(errorResponseFor(error, 'ERROR'));
    if (piece.end === 'query') return this.#sayReady();
    this.#skipping = this.#partly ? 'target-answers' : 'gateway-answers';
    if (piece.end === 'sync') this.#skip(piece);
  }

  /**
   * A client that has sent a pipeline reads answers up to its Sync: one that finds the connection closed before may not look at why
   * (psycopg does not). So it is an error in its place, and the session ends at the Sync, or soon where none comes.
   */
  async #endAtSync(piece: ContractPiece, why: CustodyError): Promise<void> {
    if (piece.end === 'query') return this.#end(why);
    await this.#target.betweenMessages();
    if (this.#stopped) return;
    this.#ending = why;
    this.#skipping = 'gateway-answers';
    this.#hands.say(errorResponseFor(why, 'ERROR'));
    if (piece.end === 'sync') this.#skip(piece);
    else this.#tooLate = this.#hands.later(SYNC_MS, () => this.#end(why));
  }

  #skip(piece: ContractPiece): true {
    if (piece.end !== 'sync') return true;
    if (this.#ending !== undefined) {
      this.#sayReady();
      this.#end(this.#ending);
      return true;
    }
    const by = this.#skipping;
    this.#skipping = undefined;
    this.#partly = false;
    if (by === 'gateway-answers') this.#sayReady();
    else this.#forward({ ...piece, bytes: message(Frontend.sync) }, { steps: [] });
    return true;
  }

  #sayReady(): void {
    this.#hands.say(readyForQuery(this.#answers.status));
  }

  // What comes back

  #setting(name: string, value: string): void {
    if (this.#settings.allows(name, value)) return;
    throw new CustodyError(
      'not-approved',
      `nothing more runs: the setting ${name} was changed, and texts could mean something else`,
    );
  }

  /** True where the target's stream waits for what becomes of it. */
  #answerDeviates(run: Going, deviations: readonly Deviation[]): boolean {
    const waits = this.#task.contract.declared.onDeviation !== 'record';
    this.#telling = this.#telling.then(() => this.#tellAnswer(run, deviations, waits));
    return waits;
  }

  async #tellAnswer(run: Going, deviations: readonly Deviation[], waits: boolean): Promise<void> {
    try {
      for (const deviation of deviations) {
        if (this.#stopped) return;
        const outcome = await this.#answerDeviated(deviation, run.text);
        if (!outcome.goesOn) return this.#end(outcome.error);
      }
      if (this.#stopped || !waits) return;
      this.#target.release();
      this.#work();
    } catch (error) {
      this.#end(asCustodyError(error));
    }
  }

  async #answerDeviated(deviation: Deviation, command: string): Promise<Outcome> {
    const waiting = new AbortController();
    this.#waiting ??= waiting;
    const { signal } = waiting;
    try {
      const decided = this.#task.deviated(deviation, { command, isAnswer: true, signal });
      return await Promise.race([decided, aborted(signal)]);
    } finally {
      if (this.#waiting === waiting) this.#waiting = undefined;
    }
  }

  #runOver(run: Going): void {
    if (this.#copying?.run === run) this.#copying = undefined;
    this.#slow?.();
    this.#slow = undefined;
    const { next } = this.#answers;
    if (next === undefined || this.#stopped) return;
    next.since = this.#hands.now() - next.spentMs;
    this.#watchTime(next);
  }

  #watchTime(run: Going | undefined): void {
    if (run?.at === undefined) return;
    const within = run.expects?.within;
    if (within === undefined) return;
    const left = within - (this.#hands.now() - run.since);
    this.#slow = this.#hands.later(Math.max(0, left) + 1, () => this.#guarded(() => this.#ranTooLong(run)));
  }

  #ranTooLong(run: Going): void {
    if (this.#stopped || run.over) return;
    const deviations = this.#answers.partly(run);
    if (deviations.length > 0)
      this.#telling = this.#telling.then(() => this.#tellAnswer(run, deviations, false));
  }

  #timeIsOver(): void {
    const run = this.#answers.next;
    if (this.#stopped || run === undefined) return;
    const judgement = this.#judge.watch.judge(run.command, Infinity);
    if (judgement.fits) return;
    const deviations = [judgement.deviation];
    this.#telling = this.#telling.then(() => this.#tellAnswer(run, deviations, false));
  }
}

/** It is not refused in its place: the session ends with it. */
class Ends extends CustodyError {
  readonly why: CustodyError;

  constructor(why: CustodyError) {
    super(why.code, why.message, { ...(why.hint === undefined ? {} : { hint: why.hint }) });
    this.why = why;
  }
}

function refusalOf(deviation: Deviation): CustodyError {
  return new CustodyError('contract-deviation', deviationWords(deviation), {
    hint: 'what cannot be looked at does not go on, whatever becomes of a deviation',
  });
}

function refused(thrown: unknown): Outcome {
  return { goesOn: false, ends: false, error: asCustodyError(thrown) };
}

/** Rejects with the signal's reason. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

function isCancelled({ code }: CustodyError): boolean {
  return code === 'too-slow';
}

/** Of which `slice` is a copy; of a Buffer it is a view, into memory that the next read writes into. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
