import { shorten } from './answer.ts';
import { operationOf } from './asked.ts';
import type { ClientContent, ServerContent } from './contents.ts';
import { CopyPlace } from './copy-place.ts';
import { firstDependent } from './dependents.ts';
import type { Execution } from './execution.ts';
import { canAnswer, isAsynchronous } from './fits.ts';
import type { Intended } from './intended.ts';
import { NameEffects } from './name-effects.ts';
import { Names } from './names.ts';
import type { OfKind } from './of-kind.ts';
import { endsWithReady, isCopy, isStatement, type Operation, type OperationKind } from './operations.ts';
import { PassedOver } from './passed-over.ts';
import { Pipeline } from './pipeline.ts';
import { Settings } from './settings.ts';
import { SqlEffects } from './sql-effects.ts';
import type { Outcome, ReplayLimits, ShownReport, Step } from './step.ts';
import { StepWriter } from './step-writer.ts';
import type { Tap } from './tap.ts';
import type { Texts } from './texts.ts';

type ServerOf<Kind extends ServerContent['kind']> = OfKind<ServerContent, Kind>;
type More = Pick<Step, 'tag' | 'error' | 'transaction'>;

/** The server refused a command before it looked at it: the transaction has failed. */
const IN_FAILED_TRANSACTION = '25P02';
/** By the status of ReadyForQuery. */
const TRANSACTIONS: Readonly<Record<string, Pick<Step, 'transaction'>>> = {
  T: { transaction: 'open' },
  E: { transaction: 'failed' },
};
const LOST =
  'more messages wait for an answer than a replay keeps; what the client sends until all are answered cannot be shown';
const FOUND = 'all that waited is answered: what the client sends is shown again';

/** How far the server is behind what the client sent. */
export interface Waiting {
  /** What the client sent that is not answered to its end. */
  readonly operations: number;
  /** The server reads the data of a COPY. */
  readonly takesCopy: boolean;
}

/**
 * Matches what the server answers with what the client asked, after the login. The client may be many messages ahead, and
 * its messages mean what they mean when the server comes to them: they wait in the pipeline until everything before them is
 * answered, and have their effect when the server says so. Rules: "Message Flow" in the manual, Pipelining and COPY
 * included, and where that is silent, what a real server does (test/oracle).
 */
export class Conversation {
  readonly #limits: ReplayLimits;
  readonly #pipeline: Pipeline;
  readonly #texts: Texts;
  readonly #settings: Settings;
  readonly #names: Names;
  readonly #sql: SqlEffects;
  readonly #steps: StepWriter;
  readonly #effects: NameEffects;
  readonly #tap: Tap | undefined;
  readonly #copy = new CopyPlace();
  readonly #passedOver = new PassedOver();
  /** The statement that is being answered; it is no longer in the pipeline. */
  #running: Execution | undefined;
  /** Of the last ReadyForQuery. */
  #transaction: Pick<Step, 'transaction'> = {};
  /** There was an error since the last ReadyForQuery. */
  #hasFailed = false;
  /** No room is left: how often ReadyForQuery will come for what the client sent since. */
  #lost: number | undefined;

  constructor(limits: ReplayLimits, emit: (step: Step) => void, texts: Texts, tap?: Tap) {
    this.#limits = limits;
    this.#tap = tap;
    this.#texts = texts;
    this.#settings = new Settings(texts);
    this.#names = new Names(limits, tap);
    this.#pipeline = new Pipeline(limits.memory / 2, limits.pending, limits.copy);
    this.#sql = new SqlEffects(this.#names, this.#settings, texts, limits.text);
    const knowledge = { names: this.#names, sql: this.#sql, settings: this.#settings, texts };
    this.#effects = new NameEffects(knowledge, limits);
    this.#steps = new StepWriter(limits, knowledge, emit, tap);
  }

  get waiting(): Waiting {
    const operations = this.#pipeline.length + (this.#running === undefined ? 0 : 1);
    return { operations, takesCopy: this.#running !== undefined && this.#copy.takes };
  }

  client(message: ClientContent, at: number, bytes: number): void {
    const operation = operationOf(message, at, bytes, this.#limits, this.#tap?.copyRun);
    if (operation !== undefined && (isStatement(operation) || operation.kind === 'copy-end'))
      this.#tap?.copyEnds();
    if (operation === undefined) this.#steps.countClient(bytes);
    else if (this.#lost !== undefined) this.#lost += endsWithReady(operation) ? 1 : 0;
    else if (!this.#pipeline.push(operation)) this.#lose(operation, at);
    else this.#settle(at);
  }

  server(message: ServerContent, at: number, bytes: number): void {
    this.#steps.countServer(bytes);
    if (this.#copy.place === 'behind-ready') this.#findPlace(message, at);
    this.#take(message, at);
    this.#settle(at);
  }

  /** A setting that the server reports, at login too. */
  setting({ name, value }: ServerOf<'parameter-status'>): void {
    const isNew = this.#settings.report(
      Buffer.from(name.bytes).toString(),
      Buffer.from(value.bytes).toString(),
    );
    if (isNew) this.#names.encodingChanged();
  }

  /** The recording is over: shows what never got its answer. */
  finish(at: number): void {
    this.#stopRunning(at);
    const intended = this.#passedOver.intended ?? this.#effects.intended();
    for (let next = this.#pipeline.shift(); next !== undefined; next = this.#pipeline.shift()) {
      this.#steps.notReached(next, intended, 'unfinished', at);
    }
    this.#steps.finish();
  }

  #take(message: ServerContent, at: number): void {
    switch (message.kind) {
      case 'notice':
        if (this.#isAtStatement()) return this.#execution(at).answer.notice(message.fields);
        this.#beginAnswered(at);
        return this.#steps.notice(message, at);
      case 'notification':
        return this.#steps.notification(message, at);
      case 'parameter-status':
        return this.#told(message, at);
      case 'error':
        this.#beginAnswered(at);
        return this.#failed(this.#texts.report(message.fields), at);
      case 'ready-for-query':
        return this.#ready(message.status, at);
      default:
        return this.#answered(message, at);
    }
  }

  /** An error may be all that a statement says: what ran before it was raised may have changed the encoding that it is said in. */
  #beginAnswered(at: number): void {
    if (this.#passedOver.intended === undefined && this.#isAtStatement()) this.#execution(at).begin();
    else if (this.#pipeline.length > 0) this.#texts.begin(undefined);
  }

  /** Servers before PostgreSQL 14 tell of a change at once: what the command itself says was read before it. */
  #told(message: ServerOf<'parameter-status'>, at: number): void {
    if (this.#isAtStatement()) this.#execution(at).begin();
    this.#texts.reported(message, false);
    this.#tap?.setting?.(message.name, message.value);
    this.setting(message);
  }

  // What the server does not answer.

  /** Takes from the front of the pipeline what gets no answer. */
  #settle(at: number): void {
    for (let first = this.#pipeline.first(); first !== undefined; first = this.#pipeline.first()) {
      if (!this.#isUnanswered(first)) return;
      this.#pipeline.shift();
      this.#pass(first, at);
    }
  }

  #isUnanswered(first: Operation): boolean {
    if (this.#copy.place !== 'known') return false;
    if (this.#passedOver.intended !== undefined) return first.kind !== 'sync' || this.#stopSkipping();
    if (this.#running !== undefined) return this.#copy.takes && (isCopy(first) || first.kind === 'sync');
    return isCopy(first);
  }

  #pass(operation: Operation, at: number): void {
    const { intended } = this.#passedOver;
    if (intended !== undefined) this.#skip(operation, intended, at);
    else if (this.#running === undefined) this.#steps.discard(operation);
    else this.#steps.countCopy(this.#copy.take(operation, this.#running.answer));
  }

  #skip(operation: Operation, intended: Intended, at: number): void {
    const error = this.#passedOver.next();
    this.#steps.notReached(operation, intended, error === undefined ? 'skipped' : 'failed', at, error);
  }

  /** False, as a Sync is answered. */
  #stopSkipping(): false {
    this.#passedOver.end();
    return false;
  }

  // What the server answers.

  #answered(message: ServerContent, at: number): void {
    switch (message.kind) {
      case 'parse-complete':
        return this.#done('parse', at, (operation) => this.#parsed(operation, at));
      case 'bind-complete':
        return this.#done('bind', at, (operation) => this.#effects.bound(operation));
      case 'close-complete':
        return this.#done('close', at, (operation) => this.#effects.closed(operation));
      case 'no-data':
        return this.#done('describe', at, () => undefined);
      case 'parameter-description':
        return this.#parameters(message.types);
      case 'row-description':
        return this.#described(message, at);
      default:
        return this.#resulted(message, at);
    }
  }

  /** What belongs to a statement's own answer. */
  #resulted(message: ServerContent, at: number): void {
    switch (message.kind) {
      case 'data-row':
        return this.#execution(at).row(message.values);
      case 'function-result':
        return this.#execution(at).row([message.value]);
      case 'command-complete':
        return this.#end('completed', at, { tag: shorten(message.tag, this.#limits.value)! });
      case 'empty-query':
        return this.#end('empty', at);
      case 'portal-suspended':
        return this.#end('suspended', at);
      case 'copy-in':
      case 'copy-out':
      case 'copy-both':
        this.#execution(at).answer.beginCopy(message.kind, message.format);
        this.#tap?.copyBegins();
        return this.#copy.begin(message.kind !== 'copy-out');
      case 'copy-data':
        return this.#execution(at).answer.copyData(message.data);
      default:
    }
  }

  /** The first in the pipeline has its answer, when it is of this kind. */
  #done(kind: OperationKind, at: number, then: (operation: Operation) => void): void {
    const operation = this.#pipeline.first();
    if (operation?.kind !== kind)
      return this.#steps.damaged(`the answer to a ${kind} that nobody waits for`, at);
    this.#takeFirst();
    then(operation);
  }

  #takeFirst(): void {
    this.#steps.countClient(this.#pipeline.shift()!.bytes);
    this.#copy.forget();
  }

  #parsed(operation: Operation, at: number): void {
    const prepared = this.#effects.parsed(operation);
    this.#steps.owePrepared(prepared, operation.at, at, 'completed');
    const isRunLater = firstDependent(operation, this.#pipeline.operations(), this.#effects.key);
    if (isRunLater === undefined) this.#steps.showPrepared();
  }

  #parameters(types: readonly number[]): void {
    const operation = this.#pipeline.first();
    if (operation?.kind === 'describe') this.#effects.describedParameters(operation, types);
  }

  #described(message: ServerOf<'row-description'>, at: number): void {
    const columns = this.#effects.columns(message);
    const operation = this.#running === undefined ? this.#pipeline.first() : undefined;
    if (operation?.kind !== 'describe') return this.#execution(at).answer.describe(columns);
    this.#takeFirst();
    this.#effects.described(operation, columns);
  }

  // Errors, and the Sync up to which the server then passes over everything.

  #failed(error: ShownReport, at: number): void {
    this.#hasFailed = true;
    if (this.#running !== undefined) return this.#failedStatement(error, at);
    const first = this.#pipeline.first();
    const isOfNone = first === undefined || first.kind === 'sync' || this.#passedOver.intended !== undefined;
    if (!isOfNone && isStatement(first)) this.#failedStatement(error, at);
    else if (isOfNone || error.severity === 'FATAL') this.#steps.step({ kind: 'error', at, took: 0, error });
    else this.#blame(first, error, at);
  }

  #failedStatement(error: ShownReport, at: number): void {
    const { kind } = this.#execution(at).statement;
    this.#copy.failed(error, kind === 'execute');
    this.#end('failed', at, { error });
    if (kind === 'execute') this.#passedOver.begin(this.#effects.intended());
  }

  /** Shows the error with the execution that it prevented, when the client has asked for that already. */
  #blame(operation: Operation, error: ShownReport, at: number): void {
    const intended = this.#effects.intended();
    this.#passedOver.begin(intended);
    this.#takeFirst();
    const prepared = intended.take(operation);
    this.#effects.undone(operation, error);
    const prevented = firstDependent(operation, this.#pipeline.operations(), this.#effects.key, Infinity);
    if (prevented !== undefined) this.#passedOver.showWith(prevented, error);
    else if (prepared === undefined) this.#steps.step({ kind: 'error', at, took: at - operation.at, error });
    else {
      intended.forgetStatement(operation.statement);
      this.#steps.owePrepared(prepared, operation.at, at, 'failed', error);
      this.#steps.showPrepared();
    }
  }

  // ReadyForQuery.

  #ready(status: string, at: number): void {
    this.#steps.showPrepared();
    const kind = this.#running?.statement.kind;
    this.#stopRunning(at);
    if (kind !== 'query' && kind !== 'function-call') this.#answerReady(at);
    this.#tap?.ready(status);
    this.#sql.ready();
    this.#names.ready();
    this.#transaction = TRANSACTIONS[status] ?? {};
    if (status === 'I') this.#names.endTransaction(!this.#hasFailed);
    this.#hasFailed = false;
  }

  /** Looks for what ReadyForQuery answers, as it is not what was running. */
  #answerReady(at: number): void {
    if (this.#copy.place === 'at-spare') return this.#readyAfterCopy(at);
    const first = this.#pipeline.first();
    if (first?.kind === 'sync') this.#steps.countClient(this.#pipeline.shift()!.bytes);
    else if (this.#copy.hasSpare) this.#spare();
    else if (first === undefined && this.#lost !== undefined) this.#find(at);
    else this.#answerReadyLater(at);
  }

  /** What stands before the message that it answers never got an answer. */
  #answerReadyLater(at: number): void {
    const first = this.#pipeline.first();
    if (first === undefined || !endsWithReady(first))
      this.#steps.damaged('ReadyForQuery that nobody waits for', at);
    const intended = this.#effects.intended();
    for (let next = this.#pipeline.shift(); next !== undefined; next = this.#pipeline.shift()) {
      this.#steps.notReached(next, intended, 'unfinished', at);
      if (endsWithReady(next)) return;
    }
  }

  #stopRunning(at: number): void {
    const running = this.#running;
    if (running === undefined) return;
    const isCall = running.statement.kind === 'function-call' && running.hasBegun;
    if (running.hasBegun || running.isUntouched) this.#end(isCall ? 'completed' : 'unfinished', at);
    this.#running = undefined;
  }

  // After a COPY that failed.

  /**
   * A Sync came while the COPY still read: the server passed over it, or comes to it now. What the client sent behind that
   * Sync was passed over too, or is answered next.
   */
  #readyAfterCopy(at: number): void {
    const next = this.#pipeline.firstButCopies();
    if (next === undefined || this.#copy.isExact || !this.#pipeline.hasSync()) this.#spare();
    else if (next.kind === 'sync') this.#passToSync(at);
    else this.#copy.isBehindReady();
  }

  /** The message after ReadyForQuery tells which Sync that answered. */
  #findPlace(message: ServerContent, at: number): void {
    if (isAsynchronous(message)) return;
    const next = this.#pipeline.firstButCopies();
    if (next !== undefined && canAnswer(message, next)) this.#spare();
    else this.#passToSync(at);
    this.#settle(at);
  }

  #spare(): void {
    this.#copy.useSpare();
    this.#stopSkipping();
  }

  #passToSync(at: number): void {
    this.#copy.isFound();
    this.#settle(at);
    if (this.#pipeline.first()?.kind === 'sync') this.#steps.countClient(this.#pipeline.shift()!.bytes);
  }

  // When there is no room.

  #lose(operation: Operation, at: number): void {
    this.#lost = endsWithReady(operation) ? 1 : 0;
    this.#steps.damaged(LOST, at);
  }

  /** All that was kept is answered; what the client sent since is, when ReadyForQuery has come as often as it must. */
  #find(at: number): void {
    this.#lost = Math.max(0, this.#lost! - 1);
    if (this.#lost > 0) return;
    this.#lost = undefined;
    this.#names.forget();
    this.#steps.damaged(FOUND, at);
  }

  // The statement that is being answered.

  #isAtStatement(): boolean {
    if (this.#running !== undefined) return true;
    const first = this.#pipeline.first();
    return first !== undefined && isStatement(first);
  }

  #execution(at: number): Execution {
    this.#running ??= this.#begin(at);
    return this.#running;
  }

  #begin(at: number): Execution {
    const first = this.#pipeline.first();
    if (first === undefined || !isStatement(first)) return this.#steps.unmatched(at);
    this.#takeFirst();
    if (first.kind === 'query') this.#names.dropStatement('');
    if (first.kind !== 'execute')
      return this.#steps.execution(first, undefined, this.#sql.read(first.load?.text));
    const portal = this.#effects.portal(first.portal);
    const command = portal?.prepared?.command;
    return this.#steps.execution(first, portal, command && [command]);
  }

  #end(outcome: Outcome, at: number, more: More = {}): void {
    const running = this.#execution(at);
    const { kind } = running.statement;
    this.#copy.end();
    if (kind === 'query' && outcome !== 'empty' && more.error?.sqlstate !== IN_FAILED_TRANSACTION)
      this.#names.dropPortal('');
    this.#steps.end(running, outcome, at, { ...this.#transaction, ...more });
    if (kind === 'execute' || kind === 'unmatched') this.#running = undefined;
  }
}
