import type { BackendMessage } from '#core/protocols/postgres/backend.ts';
import type { Outcome, ReplayLimits, ShownReport, Step } from '../step.ts';
import { shorten, showReport } from './answer.ts';
import { operationOf } from './asked.ts';
import type { ClientContent, ServerContent } from './contents.ts';
import { firstDependent } from './dependents.ts';
import { Discarded } from './discarded.ts';
import { portalOf, preparedOf } from './entries.ts';
import { Execution, type Statement } from './execution.ts';
import { Intended } from './intended.ts';
import { Budget, type Portal, type Prepared } from './memory.ts';
import { Names } from './names.ts';
import type { OfKind } from './of-kind.ts';
import { canAnswer, isAsynchronous } from './fits.ts';
import { endsWithReady, isCopy, isStatement, type Operation, type OperationKind } from './operations.ts';
import { Pipeline } from './pipeline.ts';
import { PreparedSteps } from './prepared-steps.ts';
import { Settings } from './settings.ts';
import { SwallowedSyncs } from './swallowed-syncs.ts';
import { SqlEffects } from './sql-effects.ts';
import { showText } from './values.ts';

type ServerOf<Kind extends BackendMessage['kind']> = OfKind<BackendMessage, Kind>;

/** The server refused a command before it looked at it. */
const IN_FAILED_TRANSACTION = '25P02';
const DROPPED = 'it was not kept: too much waited for answers';
const LOST =
  'more messages wait for an answer than a replay keeps; what the client sends until all are answered cannot be shown';
const FOUND = 'the server has answered all that waited: what the client sends is shown again';

/**
 * Matches what the server answers with what the client asked, after the login. The client may be many messages ahead, and
 * its messages mean what they mean when the server comes to them: they wait in the pipeline until everything before them is
 * answered, and have their effect when the server says so. Rules: "Message Flow" in the manual, Pipelining and COPY
 * included, and src/backend/tcop/postgres.c.
 */
export class Conversation {
  readonly #limits: ReplayLimits;
  readonly #show: (step: Step) => void;
  readonly #pipeline: Pipeline;
  readonly #settings = new Settings();
  readonly #names: Names;
  readonly #sql: SqlEffects;
  readonly #prepared: PreparedSteps;
  readonly #discarded: Discarded;
  /** The statement that is being answered; it is no longer in the pipeline. */
  #running: Execution | undefined;
  /** The statement takes CopyData of the client. */
  #copying = false;
  /** Syncs that it passed over while it did, or seemed to, if it fails. */
  #swallowed = new SwallowedSyncs();
  /** After such a COPY: so many of them may yet be answered. */
  #spareReady = 0;
  /** Where the server is after the error of such a COPY: at a Sync that is spare, perhaps; ReadyForQuery came, the next says. */
  #place: 'known' | 'at-spare' | 'behind-ready' = 'known';
  /** An error came: the server passes over everything up to the next Sync. */
  #skipping: Intended | undefined;
  /** The execution that an error prevented, by how many are passed over before it. */
  #prevented: { left: number; readonly error: ShownReport } | undefined;
  /** There was an error since the last ReadyForQuery. */
  #hasFailed = false;
  /** No room is left: ReadyForQuery that will come for what the client sent since. */
  #lost: number | undefined;
  /** Bytes of messages that belong to the step that follows. */
  #clientBytes = 0;
  #serverBytes = 0;
  #copyBytes = 0;

  constructor(limits: ReplayLimits, emit: (step: Step) => void) {
    this.#limits = limits;
    this.#show = emit;
    this.#names = new Names(limits);
    this.#pipeline = new Pipeline(new Budget(limits.memory / 2), limits.pending, limits.copy);
    this.#sql = new SqlEffects(this.#names, this.#settings, limits.text);
    this.#prepared = new PreparedSteps(limits, (step) => this.#emit(step));
    this.#discarded = new Discarded(limits);
  }

  client(message: ClientContent, at: number, bytes: number): void {
    const operation = operationOf(message, at, bytes, this.#limits);
    if (operation === undefined) this.#clientBytes += bytes;
    else if (this.#lost !== undefined) this.#lost += endsWithReady(operation) ? 1 : 0;
    else if (!this.#pipeline.push(operation)) this.#lose(operation, at);
    else this.#settle(at);
  }

  server(message: ServerContent, at: number, bytes: number): void {
    this.#serverBytes += bytes;
    this.#take(message, at);
    this.#settle(at);
  }

  /** A setting that the server reports, at login too. */
  setting(name: string, value: string): void {
    if (this.#settings.report(name, value)) this.#names.encodingChanged();
  }

  /** The recording is over: shows what never got its answer. */
  finish(at: number): void {
    this.#place = 'known';
    this.#stopRunning(at);
    const intended = this.#skipping ?? this.#intended();
    for (let next = this.#pipeline.shift(); next !== undefined; next = this.#pipeline.shift()) {
      this.#showUnanswered(next, intended, 'unfinished', at);
    }
    this.#prepared.flush(at);
    this.#showDiscarded();
  }

  #take(message: ServerContent, at: number): void {
    if (this.#place === 'behind-ready') this.#findPlace(message, at);
    switch (message.kind) {
      case 'notice':
        return this.#notice(message, at);
      case 'notification':
        return this.#notification(message, at);
      case 'parameter-status':
        return this.setting(message.name, message.value);
      case 'error':
        return this.#failed(showReport(message.fields, this.#limits.text), at);
      case 'ready-for-query':
        return this.#ready(message.status, at);
      default:
        return this.#answered(message, at);
    }
  }

  // What needs no answer.

  /** Takes from the pipeline what the server does not answer. */
  #settle(at: number): void {
    for (let first = this.#pipeline.first(); first !== undefined; first = this.#pipeline.first()) {
      if (!this.#isUnanswered(first)) return;
      this.#pipeline.shift();
      this.#pass(first, at);
    }
  }

  #isUnanswered(first: Operation): boolean {
    if (this.#place !== 'known') return false;
    if (this.#skipping !== undefined) return first.kind !== 'sync' || this.#stopSkipping();
    if (this.#running !== undefined) return this.#copying && (isCopy(first) || first.kind === 'sync');
    return isCopy(first);
  }

  #pass(operation: Operation, at: number): void {
    if (this.#skipping !== undefined) this.#skip(operation, this.#skipping, at);
    else if (this.#running === undefined) this.#discarded.take(operation);
    else if (operation.kind === 'sync') this.#swallowed.sync();
    else if (operation.kind === 'copy-end') this.#copyEnds();
    else this.#feed(this.#running, operation);
    if (operation.kind === 'copy-end' || operation.kind === 'sync') this.#copyBytes += operation.bytes;
  }

  #copyEnds(): void {
    this.#copying = false;
    this.#swallowed.end();
  }

  #feed(running: Execution, { load }: Operation): void {
    if (load?.copy === undefined) return;
    running.answer.copyPiece(load.copy);
    this.#swallowed.data(load.copy.lines);
    this.#copyBytes += load.copy.bytes + load.copy.messages * 5;
  }

  #skip(operation: Operation, intended: Intended, at: number): void {
    const prevented = this.#prevented;
    if (prevented === undefined || prevented.left-- > 0)
      return this.#showUnanswered(operation, intended, 'skipped', at);
    this.#prevented = undefined;
    this.#clientBytes += operation.bytes;
    const execution = this.#executionOf(operation, portalIn(intended, operation), []);
    this.#emitEnd(execution, 'failed', at, { error: prevented.error });
  }

  /** False, as a Sync is answered. */
  #stopSkipping(): false {
    this.#skipping = undefined;
    this.#prevented = undefined;
    return false;
  }

  #showUnanswered(
    operation: Operation,
    intended: Intended,
    outcome: 'skipped' | 'unfinished',
    at: number,
  ): void {
    if (isCopy(operation)) return this.#discarded.take(operation);
    this.#clientBytes += operation.bytes;
    const prepared = intended.take(operation);
    if (prepared !== undefined) this.#prepared.owe(prepared, operation.at, at, outcome);
    if (!isStatement(operation)) return;
    this.#emitEnd(this.#executionOf(operation, portalIn(intended, operation), []), outcome, at);
  }

  // What the server answers.

  #answered(message: ServerContent, at: number): void {
    switch (message.kind) {
      case 'parse-complete':
        return this.#done('parse', at, (operation) => this.#parsed(operation, at));
      case 'bind-complete':
        return this.#done('bind', at, (operation) => this.#bound(operation));
      case 'close-complete':
        return this.#done('close', at, ({ what, statement, portal }) => {
          if (what === 'statement') this.#names.dropStatement(this.#key(statement));
          else this.#names.dropPortal(this.#key(portal));
        });
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
        this.#copying = message.kind !== 'copy-out';
        return;
      case 'copy-data':
        return this.#execution(at).answer.copyData(message.data);
      default:
    }
  }

  /** The first in the pipeline has its answer, when it is of this kind. */
  #done(kind: OperationKind, at: number, then: (operation: Operation) => void): void {
    const operation = this.#pipeline.first();
    if (operation?.kind !== kind) return this.#damaged(`the answer to a ${kind} that nobody waits for`, at);
    this.#takeFirst();
    then(operation);
  }

  #takeFirst(): void {
    this.#clientBytes += this.#pipeline.shift()!.bytes;
    this.#spareReady = 0;
  }

  #parsed(operation: Operation, at: number): void {
    const prepared = preparedOf(operation, this.#sql.read(operation.load?.text)?.[0]);
    this.#names.prepare(this.#key(operation.statement), prepared);
    this.#prepared.owe(prepared, operation.at, at, 'completed');
    const isRunLater = firstDependent(operation, this.#pipeline.operations(), (name) => this.#key(name));
    if (isRunLater === undefined) this.#flushPrepared(at);
  }

  #bound(operation: Operation): void {
    const statement = this.#key(operation.statement);
    const doubt = this.#names.statementDoubt(statement);
    const portal = portalOf(operation, this.#names.statement(statement), doubt);
    this.#names.bind(this.#key(operation.portal), portal);
  }

  #parameters(types: readonly number[]): void {
    const operation = this.#pipeline.first();
    if (operation?.kind === 'describe' && operation.what === 'statement')
      this.#names.describeParameters(this.#key(operation.statement), types);
  }

  #described({ columns }: ServerOf<'row-description'>, at: number): void {
    const described = columns.map(({ name, type, format }) => ({ name, type, format }));
    const operation = this.#running === undefined ? this.#pipeline.first() : undefined;
    if (operation?.kind !== 'describe') return this.#execution(at).answer.describe(described);
    this.#takeFirst();
    const { what, statement, portal } = operation;
    this.#names.describe(what!, this.#key(what === 'statement' ? statement : portal), described);
  }

  #notice({ fields }: ServerOf<'notice'>, at: number): void {
    if (this.#isAtStatement()) return this.#execution(at).answer.notice(fields);
    this.#emit({ kind: 'notice', at, took: 0, notices: [showReport(fields, this.#limits.text)] });
  }

  #notification({ channel, payload, processId }: ServerOf<'notification'>, at: number): void {
    const shown = showText(Buffer.from(payload), this.#limits.text);
    const name = shorten(channel, this.#limits.value)!;
    const notification = { channel: name, payload: shown, processId };
    this.#emit({ kind: 'notification', at, took: 0, notification });
  }

  // Errors, and the Sync up to which the server then passes over everything.

  #failed(error: ShownReport, at: number): void {
    const first = this.#running === undefined ? this.#pipeline.first() : undefined;
    this.#hasFailed = true;
    const isOfNone = first === undefined || first.kind === 'sync' || this.#skipping !== undefined;
    if (this.#running !== undefined || (!isOfNone && isStatement(first))) this.#failedStatement(error, at);
    else if (isOfNone || error.severity === 'FATAL') this.#emit({ kind: 'error', at, took: 0, error });
    else this.#blame(first, error, at);
  }

  #failedStatement(error: ShownReport, at: number): void {
    const { kind } = this.#execution(at).statement;
    this.#end('failed', at, { error });
    if (kind !== 'execute') return;
    this.#skipping = this.#intended();
    if (this.#spareReady > 0) this.#place = 'at-spare';
  }

  /** Shows the error with the execution that it prevented, when the client has asked for that already. */
  #blame(operation: Operation, error: ShownReport, at: number): void {
    const skipping = this.#intended();
    this.#takeFirst();
    const prepared = skipping.take(operation);
    this.#undone(operation, error);
    const key = (name: string): string => this.#key(name);
    const prevented = firstDependent(operation, this.#pipeline.operations(), key, Infinity);
    this.#skipping = skipping;
    if (prevented !== undefined) this.#prevented = { left: prevented, error };
    else if (prepared === undefined) this.#emit({ kind: 'error', at, took: at - operation.at, error });
    else {
      skipping.forgetStatement(operation.statement);
      this.#prepared.owe(prepared, operation.at, at, 'failed', error);
      this.#flushPrepared(at);
    }
  }

  /** What fails may have taken something away before it did. */
  #undone({ kind, statement, portal }: Operation, { sqlstate }: ShownReport): void {
    if (kind === 'parse' && statement === '') this.#names.dropStatement('');
    if (kind !== 'bind') return;
    if (portal === '') this.#names.dropPortal('');
    if (sqlstate === '26000') this.#names.dropStatement(this.#key(statement));
  }

  // ReadyForQuery.

  #ready(status: string, at: number): void {
    this.#flushPrepared(at);
    const waits = this.#running !== undefined && this.#running.statement.kind !== 'unmatched';
    const ended = this.#running?.statement.kind;
    this.#stopRunning(at);
    if (!waits || ended === 'execute') this.#answerReady(at);
    this.#sql.ready();
    if (status === 'I') this.#names.endTransaction(!this.#hasFailed);
    this.#hasFailed = false;
  }

  /** Looks for what ReadyForQuery answers; the statement that was running is not it. */
  #answerReady(at: number): void {
    if (this.#place === 'at-spare') return this.#readyAfterCopy(at);
    const first = this.#pipeline.first();
    if (first?.kind === 'sync') this.#pipelineSync();
    else if (this.#spareReady > 0) this.#spare();
    else if (first === undefined && this.#lost !== undefined) this.#find(at);
    else this.#answerReadyLater(at);
  }

  #pipelineSync(): void {
    this.#clientBytes += this.#pipeline.shift()!.bytes;
  }

  #spare(): void {
    this.#spareReady--;
    this.#place = 'known';
    this.#stopSkipping();
  }

  /**
   * A COPY failed, and a Sync came while it still read: the server passed over it, or comes to it now. What the client
   * sent after that Sync was passed over too, or is answered next.
   */
  #readyAfterCopy(at: number): void {
    const next = this.#firstButCopies();
    if (next === undefined || !this.#hasSync()) this.#spare();
    else if (next.kind === 'sync') this.#passToSync(at);
    else this.#place = 'behind-ready';
  }

  #hasSync(): boolean {
    for (const { kind } of this.#pipeline.operations()) if (kind === 'sync') return true;
    return false;
  }

  #findPlace(message: ServerContent, at: number): void {
    if (isAsynchronous(message)) return;
    const next = this.#firstButCopies();
    if (next !== undefined && canAnswer(message, next)) this.#spare();
    else this.#passToSync(at);
    this.#settle(at);
  }

  #firstButCopies(): Operation | undefined {
    for (const operation of this.#pipeline.operations()) if (!isCopy(operation)) return operation;
    return undefined;
  }

  #passToSync(at: number): void {
    this.#place = 'known';
    this.#settle(at);
    if (this.#pipeline.first()?.kind === 'sync') this.#pipelineSync();
  }

  /** What stands before the message that it answers never got an answer. */
  #answerReadyLater(at: number): void {
    const first = this.#pipeline.first();
    if (first === undefined || !endsWithReady(first))
      this.#damaged('ReadyForQuery that nobody waits for', at);
    const intended = this.#intended();
    for (let next = this.#pipeline.shift(); next !== undefined; next = this.#pipeline.shift()) {
      this.#showUnanswered(next, intended, 'unfinished', at);
      if (endsWithReady(next)) return;
    }
  }

  #stopRunning(at: number): void {
    const running = this.#running;
    if (running === undefined) return;
    const isCall = running.statement.kind === 'function-call' && running.hasBegun;
    if (running.hasBegun || running.isUntouched) this.#end(isCall ? 'completed' : 'unfinished', at);
    this.#running = undefined;
    this.#copying = false;
  }

  // When there is no room.

  #lose(operation: Operation, at: number): void {
    this.#lost = endsWithReady(operation) ? 1 : 0;
    this.#damaged(LOST, at);
  }

  /** Everything that was kept is answered; what the client sent since is, when ReadyForQuery has come as often as it must. */
  #find(at: number): void {
    this.#lost = Math.max(0, this.#lost! - 1);
    if (this.#lost > 0) return;
    this.#lost = undefined;
    this.#names.forget();
    this.#damaged(FOUND, at);
  }

  // Executions and their steps.

  #isAtStatement(): boolean {
    if (this.#running !== undefined) return true;
    const first = this.#pipeline.first();
    return first !== undefined && isStatement(first);
  }

  /** The statement that is being answered. */
  #execution(at: number): Execution {
    this.#running ??= this.#begin(at);
    return this.#running;
  }

  #begin(at: number): Execution {
    const first = this.#pipeline.first();
    if (first === undefined || !isStatement(first)) return this.#unmatched(at);
    this.#takeFirst();
    if (first.kind === 'query') this.#names.dropStatement('');
    if (first.kind !== 'execute')
      return this.#executionOf(first, undefined, this.#sql.read(first.load?.text));
    const portal = this.#names.portal(this.#key(first.portal));
    const command = portal?.prepared?.command;
    return this.#executionOf(first, portal, command && [command]);
  }

  #unmatched(at: number): Execution {
    const given = {
      at,
      text: undefined,
      portal: undefined,
      values: undefined,
      commands: [],
      doubt: undefined,
    };
    return new Execution({ ...given, kind: 'unmatched', clientBytes: 0 }, this.#sql, this.#limits);
  }

  #executionOf(operation: Operation, portal: Portal | undefined, commands: Statement['commands']): Execution {
    const { at, load } = operation;
    const kind = operation.kind as Statement['kind'];
    const text = kind === 'execute' ? portal?.prepared?.text : load?.text;
    const doubt = this.#doubtOf(operation, portal);
    const clientBytes = this.#clientBytes;
    this.#clientBytes = 0;
    const statement = { kind, at, text, portal, values: load?.values, commands, doubt, clientBytes };
    return new Execution(statement, this.#sql, this.#limits);
  }

  #doubtOf({ kind, portal: name, dropped }: Operation, portal: Portal | undefined): string | undefined {
    const isDropped =
      dropped || (portal !== undefined && (portal.values === undefined || isTextless(portal.prepared)));
    if (isDropped) return DROPPED;
    return kind === 'execute' ? (portal?.doubt ?? this.#names.portalDoubt(this.#key(name))) : undefined;
  }

  #end(outcome: Outcome, at: number, more: Pick<Step, 'tag' | 'error'> = {}): void {
    const running = this.#execution(at);
    const { kind } = running.statement;
    this.#spareReady += more.error === undefined ? 0 : this.#swallowed.spare(more.error);
    this.#swallowed = new SwallowedSyncs();
    this.#copying = false;
    if (kind === 'query' && outcome !== 'empty' && more.error?.sqlstate !== IN_FAILED_TRANSACTION)
      this.#names.dropPortal('');
    this.#emitEnd(running, outcome, at, more);
    if (kind === 'execute' || kind === 'unmatched') this.#running = undefined;
  }

  #emitEnd(execution: Execution, outcome: Outcome, at: number, more: Pick<Step, 'tag' | 'error'> = {}): void {
    const [serverBytes, copyBytes] = [this.#serverBytes, this.#copyBytes];
    this.#serverBytes = 0;
    this.#copyBytes = 0;
    this.#emit(execution.end({ outcome, at, serverBytes, copyBytes, more }));
  }

  #flushPrepared(at: number): void {
    const bytes = { client: this.#clientBytes, server: this.#serverBytes };
    if (!this.#prepared.flush(at, bytes)) return;
    this.#clientBytes = 0;
    this.#serverBytes = 0;
  }

  #showDiscarded(): void {
    const step = this.#discarded.step();
    if (step !== undefined) this.#show(step);
  }

  #emit(step: Step): void {
    this.#showDiscarded();
    this.#show(step);
  }

  #damaged(text: string, at: number): void {
    this.#emit({ kind: 'damaged', at, took: 0, text });
  }

  #intended(): Intended {
    return new Intended(this.#names, (name) => this.#key(name));
  }

  #key(name: string): string {
    return this.#settings.protocolKey(name);
  }
}

function portalIn(intended: Intended, { kind, portal }: Operation): Portal | undefined {
  return kind === 'execute' ? intended.portal(portal) : undefined;
}

function isTextless(prepared: Prepared | undefined): boolean {
  return prepared !== undefined && prepared.text === undefined;
}
