import type { Outcome, ReplayLimits, ShownReport, Step } from '../step.ts';
import { Answer, shorten } from './answer.ts';
import type { ClientContent, ServerContent } from './contents.ts';
import {
  Budget,
  keep,
  keepOrNull,
  Named,
  type Portal,
  type Prepared,
  weightOfColumns,
  weightOfPortal,
  weightOfPrepared,
} from './memory.ts';
import {
  dependsOn,
  endsWithReady,
  isStatement,
  type OfKind,
  type Operation,
  type OperationOf,
  type Statement,
} from './operations.ts';
import { Pipeline } from './pipeline.ts';
import { columnFormat, statementStep } from './present.ts';
import type { Texts } from './texts.ts';
import type { CutValue } from './values.ts';

type ClientOf<Kind extends ClientContent['kind']> = OfKind<ClientContent, Kind>;
type ServerOf<Kind extends ServerContent['kind']> = OfKind<ServerContent, Kind>;

/**
 * Matches what the server answers with what the client asked, after the login. The client may be many messages ahead:
 * what waits for an answer stands in the pipeline. Rules: "Message Flow" in the manual, Pipelining and COPY included.
 */
export class Conversation {
  readonly #limits: ReplayLimits;
  readonly #emit: (step: Step) => void;
  readonly #texts: Texts;
  readonly #pipeline: Pipeline;
  readonly #prepared: Named<Prepared>;
  readonly #portals: Named<Portal>;
  /** Names of the portals that the server has. */
  readonly #bound = new Set<string>();
  /** The answer that is coming in. */
  #current: { readonly statement: Statement; readonly answer: Answer } | undefined;
  /** An error came: the server passes over everything up to the next Sync. */
  #skipping = false;
  /** A COPY takes data: the server passes over a Sync until the data ends. */
  #awaitsCopyEnd = false;
  /** Bytes of messages that belong to the step that follows. */
  #clientBytes = 0;
  #serverBytes = 0;

  constructor(limits: ReplayLimits, emit: (step: Step) => void, texts: Texts) {
    const names = new Budget(limits.memory / 2);
    this.#limits = limits;
    this.#emit = emit;
    this.#texts = texts;
    this.#pipeline = new Pipeline(new Budget(limits.memory / 2));
    this.#prepared = new Named(names, weightOfPrepared);
    this.#portals = new Named(names, weightOfPortal);
  }

  /** False when more waits for answers than may be kept: the client's side cannot be read on. */
  client(message: ClientContent, at: number, bytes: number): boolean {
    this.#clientBytes += bytes;
    switch (message.kind) {
      case 'copy-data':
        this.#copyFromClient(message.data);
        return true;
      case 'copy-done':
      case 'copy-fail':
        return this.#copyEnds(at);
      case 'sync':
        return this.#sync(at);
      default: {
        const operation = this.#asked(message, at);
        return operation === undefined || this.#push(operation);
      }
    }
  }

  server(message: ServerContent, at: number, bytes: number): void {
    this.#serverBytes += bytes;
    switch (message.kind) {
      case 'notice':
        return this.#notice(message, at);
      case 'notification':
        return this.#notification(message, at);
      case 'error':
        return this.#failed(this.#texts.report(message.fields), at);
      case 'ready-for-query':
        return this.#ready(message.status, at);
      case 'parameter-status':
        return this.#told(message);
      default:
        return this.#answered(message, at);
    }
  }

  /** The recording is over: shows what never got its answer. */
  finish(at: number): void {
    this.#endUnmatched(at);
    for (let first = this.#pipeline.shift(); first !== undefined; first = this.#pipeline.shift()) {
      this.#unanswered(first, at);
    }
  }

  // What the client asks.

  #asked(message: ClientContent, at: number): Operation | undefined {
    switch (message.kind) {
      case 'query':
        return this.#statement('query', at, { text: keep(message.text, this.#limits.text) });
      case 'function-call': {
        const name = Buffer.from(`function ${message.function}`);
        const values = message.values.map((value) => keepOrNull(value, this.#limits.value));
        const text = { bytes: name, length: name.length };
        const { formats, resultFormats } = message;
        return this.#statement('function-call', at, { text, values, formats, resultFormats });
      }
      case 'parse':
        return this.#parse(message, at);
      case 'bind':
        return this.#bind(message, at);
      case 'execute': {
        const portal = this.#portals.get(message.portal);
        if (portal?.prepared !== undefined) portal.prepared.executed = true;
        return this.#statement('execute', at, { text: portal?.prepared?.text, portal });
      }
      case 'describe':
      case 'close':
        return { kind: message.kind, at, ...this.#named(message) };
      default:
        return undefined;
    }
  }

  #statement(kind: Statement['kind'], at: number, given: Partial<Statement>): Statement {
    const clientBytes = this.#clientBytes;
    this.#clientBytes = 0;
    const none = { text: undefined, portal: undefined, values: undefined };
    return { ...none, ...given, kind, at, parts: 0, since: at, shown: false, clientBytes };
  }

  #parse({ statement, text, types }: ClientOf<'parse'>, at: number): Operation {
    const kept = keep(text, this.#limits.text);
    const prepared: Prepared = { name: statement, text: kept, types, columns: undefined, executed: false };
    return { kind: 'parse', at, prepared, before: this.#prepared.set(prepared) };
  }

  #bind(message: ClientOf<'bind'>, at: number): Operation {
    const { portal: name, statement, formats, resultFormats } = message;
    const prepared = this.#prepared.get(statement);
    const values = message.values.map((value) => keepOrNull(value, this.#limits.value));
    const portal: Portal = {
      name,
      prepared,
      formats,
      values,
      resultFormats,
      columns: undefined,
    };
    this.#bound.delete(name);
    return { kind: 'bind', at, portal, before: this.#portals.set(portal) };
  }

  #named({
    what,
    name,
  }: ClientOf<'describe' | 'close'>): Pick<OperationOf<'describe'>, 'prepared' | 'portal'> {
    if (what === 'statement') return { prepared: this.#prepared.get(name), portal: undefined };
    return { prepared: undefined, portal: this.#portals.get(name) };
  }

  #push(operation: Operation): boolean {
    if (!this.#skipping)
      return this.#pipeline.length < this.#limits.pending && this.#pipeline.push(operation);
    this.#pass(operation, operation.at);
    return true;
  }

  #sync(at: number): boolean {
    if (this.#awaitsCopyEnd) return true;
    this.#skipping = false;
    return this.#push({ kind: 'sync', at });
  }

  #copyFromClient(data: CutValue): void {
    const { answer } = this.#current ?? {};
    if (answer?.copyKind === 'copy-in' || answer?.copyKind === 'copy-both') answer.copyData(data);
  }

  #copyEnds(at: number): boolean {
    const awaited = this.#awaitsCopyEnd;
    this.#awaitsCopyEnd = false;
    return awaited || this.#skipping || this.#pipeline.length === 0 || this.#push({ kind: 'copy-end', at });
  }

  // What the server answers.

  #answered(message: ServerContent, at: number): void {
    switch (message.kind) {
      case 'parse-complete':
        return this.#done('parse', at, (operation) => this.#parsed(operation, at));
      case 'bind-complete':
        return this.#done('bind', at, ({ portal }) => {
          this.#texts.stamp(portal.values);
          if (this.#portals.get(portal.name) === portal) this.#bound.add(portal.name);
        });
      case 'close-complete':
        return this.#done('close', at, ({ prepared, portal }) => {
          if (prepared !== undefined) this.#prepared.delete(prepared);
          if (portal !== undefined) this.#unbind(portal);
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
        return this.#row(message.values, at);
      case 'function-result':
        return this.#row([message.value], at);
      case 'command-complete':
        return this.#close('completed', at, { tag: shorten(message.tag, this.#limits.value)! });
      case 'empty-query':
        return this.#close('empty', at);
      case 'portal-suspended':
        return this.#close('suspended', at);
      case 'copy-in':
      case 'copy-out':
      case 'copy-both':
        this.#answerOf(this.#head(at)).beginCopy(message.kind, message.format);
        if (message.kind !== 'copy-out') this.#awaitsCopyEnd = !this.#pipeline.passSyncs();
        return;
      case 'copy-data':
        return this.#answerOf(this.#head(at)).copyData(message.data);
      default:
    }
  }

  /** The first in the pipeline has its answer, when it is of this kind. */
  #done<Kind extends Operation['kind']>(
    kind: Kind,
    at: number,
    then: (operation: OperationOf<Kind>) => void,
  ): void {
    const operation = this.#pipeline.first();
    if (!isOf(kind, operation)) return this.#damaged(`the answer to a ${kind} that nobody waits for`, at);
    this.#pipeline.shift();
    then(operation);
  }

  #parsed({ prepared, at: asked }: OperationOf<'parse'>, at: number): void {
    this.#texts.stamp([prepared.text]);
    if (!prepared.executed) this.#showPrepare(prepared, asked, at, { outcome: 'completed' });
  }

  #parameters(types: readonly number[]): void {
    const operation = this.#pipeline.first();
    if (operation?.kind !== 'describe' || operation.prepared === undefined) return;
    if (this.#prepared.grow(operation.prepared, types.length * 8)) operation.prepared.types = types;
  }

  #described({ columns }: ServerOf<'row-description'>, at: number): void {
    const described = columns.map((column) => ({ ...column, name: keep(column.name, this.#limits.value) }));
    this.#texts.stamp(described.map(({ name }) => name));
    const operation = this.#pipeline.first();
    if (operation?.kind !== 'describe') return this.#answerOf(this.#head(at)).describe(described);
    this.#pipeline.shift();
    const { prepared, portal } = operation;
    const weight = weightOfColumns(described);
    if (prepared !== undefined && this.#prepared.grow(prepared, weight)) prepared.columns = described;
    if (portal !== undefined && this.#portals.grow(portal, weight)) portal.columns = described;
  }

  #row(values: readonly (CutValue | null)[], at: number): void {
    const statement = this.#head(at);
    const answer = this.#answerOf(statement);
    answer.row(values, (column) => columnFormat(statement, answer, column));
  }

  #notice({ fields }: ServerOf<'notice'>, at: number): void {
    const operation = this.#pipeline.first() ?? this.#current?.statement;
    if (isStatement(operation)) return this.#answerOf(operation).notice(fields);
    this.#emit({ kind: 'notice', at, took: 0, notices: [this.#texts.report(fields)] });
  }

  #notification(message: ServerOf<'notification'>, at: number): void {
    this.#emit({ kind: 'notification', at, took: 0, notification: this.#texts.notification(message) });
  }

  /** Servers before PostgreSQL 14 tell of a change at once: what the command itself says was read before it. */
  #told(setting: ServerOf<'parameter-status'>): void {
    const operation = this.#pipeline.first();
    if (isStatement(operation)) this.#texts.begin(operation.text, operation.values);
    this.#texts.reported(setting, false);
  }

  // Errors, and the Sync up to which the server then passes over everything.

  #failed(error: ShownReport, at: number): void {
    const operation = this.#pipeline.first() ?? this.#current?.statement;
    if (operation === undefined || operation.kind === 'sync') {
      return this.#emit({ kind: 'error', at, took: 0, error });
    }
    if (isStatement(operation) && operation.kind !== 'execute') {
      this.#answerOf(operation);
      return this.#complete('failed', at, { error });
    }
    this.#blame(operation, error, at);
    this.#passToSync(at);
  }

  /** Shows the error with the execution that it prevented. */
  #blame(operation: Operation, error: ShownReport, at: number): void {
    const prevented = this.#preventedBy(operation);
    if (prevented !== undefined) {
      this.#answerOf(prevented);
      this.#complete('failed', at, { error });
      prevented.shown = true;
    } else if (operation.kind === 'parse') {
      this.#showPrepare(operation.prepared, operation.at, at, { outcome: 'failed', error });
    } else {
      this.#emit({ kind: 'error', at, took: at - operation.at, error });
    }
  }

  #preventedBy(operation: Operation): Statement | undefined {
    if (isStatement(operation)) return operation;
    for (const later of this.#pipeline.untilSync()) {
      if (later.kind === 'execute' && dependsOn(later, operation)) return later;
    }
    return undefined;
  }

  #passToSync(at: number): void {
    for (let first = this.#pipeline.first(); first?.kind !== 'sync'; first = this.#pipeline.first()) {
      if (first === undefined) {
        this.#skipping = true;
        return;
      }
      this.#pipeline.shift();
      this.#pass(first, at);
    }
  }

  /** The server took no notice of it. */
  #pass(operation: Operation, at: number): void {
    if (operation.kind === 'parse') this.#prepared.undo(operation.prepared, operation.before);
    if (operation.kind === 'bind') this.#portals.undo(operation.portal, operation.before);
    if (!isStatement(operation) || operation.shown) return;
    this.#answerOf(operation);
    this.#complete('skipped', at);
  }

  #ready(status: string, at: number): void {
    this.#endUnmatched(at);
    let first = this.#pipeline.first();
    if (first === undefined || !endsWithReady(first))
      this.#damaged('ReadyForQuery that nobody waits for', at);
    for (; first !== undefined; first = this.#pipeline.first()) {
      this.#pipeline.shift();
      this.#unanswered(first, at);
      if (endsWithReady(first)) break;
    }
    if (status === 'I') this.#endTransaction();
  }

  /** Portals end with their transaction; those that the client is ahead with are of the next. */
  #endTransaction(): void {
    for (const name of this.#bound) {
      const portal = this.#portals.get(name);
      if (portal !== undefined) this.#unbind(portal);
    }
    this.#bound.clear();
  }

  #unbind(portal: Portal): void {
    if (this.#portals.get(portal.name) === portal) this.#bound.delete(portal.name);
    this.#portals.delete(portal);
  }

  #unanswered(operation: Operation, at: number): void {
    if (!isStatement(operation)) return;
    const begun = this.#current?.statement === operation;
    if (!begun && operation.parts > 0) return;
    this.#answerOf(operation);
    this.#complete(operation.kind === 'function-call' && begun ? 'completed' : 'unfinished', at);
  }

  #endUnmatched(at: number): void {
    if (this.#current?.statement.kind === 'unmatched') this.#complete('unfinished', at);
  }

  // Answers into steps.

  /** The statement that is being answered. */
  #head(at: number): Statement {
    const operation = this.#pipeline.first();
    if (isStatement(operation)) return operation;
    return this.#current?.statement ?? this.#statement('unmatched', at, {});
  }

  #answerOf(statement: Statement): Answer {
    if (this.#current?.statement === statement) return this.#current.answer;
    const columns = statement.portal?.columns ?? statement.portal?.prepared?.columns;
    const answer = new Answer(columns, this.#limits, this.#texts);
    this.#texts.begin(statement.text, statement.portal?.values ?? statement.values);
    this.#current = { statement, answer };
    return answer;
  }

  #close(outcome: Outcome, at: number, more: Pick<Step, 'tag'> = {}): void {
    const statement = this.#head(at);
    this.#answerOf(statement);
    this.#complete(outcome, at, more);
    if (statement.kind === 'execute') this.#pipeline.shift();
  }

  #complete(outcome: Outcome, at: number, more: Pick<Step, 'tag' | 'error'> = {}): void {
    const { statement, answer } = this.#current!;
    const client = statement.clientBytes + this.#takeCopyBytes(answer);
    const bytes = { client, server: this.#serverBytes };
    this.#current = undefined;
    this.#awaitsCopyEnd = false;
    this.#serverBytes = 0;
    this.#emit({ ...statementStep(statement, answer, at, bytes, this.#limits), outcome, ...more });
    statement.parts++;
    statement.since = at;
    statement.clientBytes = 0;
  }

  /** Data of a COPY belongs to it; other bytes of the client belong to what follows. */
  #takeCopyBytes({ copyKind }: Answer): number {
    if (copyKind !== 'copy-in' && copyKind !== 'copy-both') return 0;
    const bytes = this.#clientBytes;
    this.#clientBytes = 0;
    return bytes;
  }

  #showPrepare(prepared: Prepared, asked: number, at: number, ended: Pick<Step, 'outcome' | 'error'>): void {
    const bytes = { client: this.#clientBytes, server: this.#serverBytes };
    this.#clientBytes = 0;
    this.#serverBytes = 0;
    const statement = this.#texts.shown(prepared.text, this.#limits.text);
    this.#emit({
      kind: 'prepare',
      at: asked,
      took: at - asked,
      statement,
      name: prepared.name,
      bytes,
      ...ended,
    });
  }

  #damaged(text: string, at: number): void {
    this.#emit({ kind: 'damaged', at, took: 0, text });
  }
}

function isOf<Kind extends Operation['kind']>(
  kind: Kind,
  operation: Operation | undefined,
): operation is OperationOf<Kind> {
  return operation?.kind === kind;
}
