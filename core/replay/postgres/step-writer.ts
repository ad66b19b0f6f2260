import type { ServerContent } from './contents.ts';
import { Discarded } from './discarded.ts';
import { Execution } from './execution.ts';
import type { Intended } from './intended.ts';
import type { Portal, Prepared } from './memory.ts';
import type { Names } from './names.ts';
import type { OfKind } from './of-kind.ts';
import { isCopy, isStatement, type Operation } from './operations.ts';
import { PreparedSteps } from './prepared-steps.ts';
import type { Settings } from './settings.ts';
import type { SqlEffects } from './sql-effects.ts';
import type { Statement } from './statement.ts';
import type { Outcome, ReplayLimits, ShownReport, Step } from './step.ts';
import type { Tap } from './tap.ts';
import type { Texts } from './texts.ts';

type ServerOf<Kind extends ServerContent['kind']> = OfKind<ServerContent, Kind>;
type More = Pick<Step, 'tag' | 'error' | 'transaction'>;

const DROPPED = 'not all of it was kept: too much waited for answers';

/** What is known of the session where the server is. */
export interface Knowledge {
  readonly names: Names;
  readonly sql: SqlEffects;
  readonly settings: Settings;
  readonly texts: Texts;
}

/** Makes the steps of a conversation, and counts the bytes of the messages that belong to each. */
export class StepWriter {
  readonly #limits: ReplayLimits;
  readonly #emit: (step: Step) => void;
  readonly #knowledge: Knowledge;
  readonly #prepared: PreparedSteps;
  readonly #discarded: Discarded;
  readonly #tap: Tap | undefined;
  /** Bytes of messages that belong to the step that follows. */
  #clientBytes = 0;
  #serverBytes = 0;
  /** And to that of the COPY that runs. */
  #copyBytes = 0;

  constructor(limits: ReplayLimits, knowledge: Knowledge, emit: (step: Step) => void, tap?: Tap) {
    this.#limits = limits;
    this.#tap = tap;
    this.#emit = emit;
    this.#knowledge = knowledge;
    this.#prepared = new PreparedSteps(limits, knowledge.texts, (step) => this.step(step));
    this.#discarded = new Discarded(limits, knowledge.texts);
  }

  countClient(bytes: number): void {
    this.#clientBytes += bytes;
  }

  countServer(bytes: number): void {
    this.#serverBytes += bytes;
  }

  countCopy(bytes: number): void {
    this.#copyBytes += bytes;
  }

  /** The execution of what the server has come to. `commands`: of its text, undefined where they are not known. */
  execution(operation: Operation, portal: Portal | undefined, commands: Statement['commands']): Execution {
    return this.#execution(operation, portal, { commands, isReached: true });
  }

  /** An answer to nothing that was asked. */
  unmatched(at: number): Execution {
    const none = {
      text: undefined,
      portal: undefined,
      values: undefined,
      commands: undefined,
      doubt: undefined,
    };
    const statement = { ...none, kind: 'unmatched', at, isReached: true, clientBytes: 0 } as const;
    return new Execution(statement, this.#knowledge.sql, this.#knowledge.texts, this.#limits, this.#tap);
  }

  end(execution: Execution, outcome: Outcome, at: number, more: More = {}): void {
    const [serverBytes, copyBytes] = [this.#serverBytes, this.#copyBytes];
    this.#serverBytes = 0;
    this.#copyBytes = 0;
    const step = execution.end({ outcome, at, serverBytes, copyBytes, more });
    this.step(this.#knowledge.texts.named(step, execution.statement.portal?.prepared?.text));
  }

  /** What the server never came to, or passed over; `error`: because of it. */
  notReached(
    operation: Operation,
    intended: Intended,
    outcome: Outcome,
    at: number,
    error?: ShownReport,
  ): void {
    if (isCopy(operation)) return this.discard(operation);
    this.#clientBytes += operation.bytes;
    const prepared = intended.take(operation);
    if (prepared !== undefined) this.owePrepared(prepared, operation.at, at, outcome);
    if (!isStatement(operation)) return;
    const portal = operation.kind === 'execute' ? intended.portal(operation.portal) : undefined;
    const execution = this.#execution(operation, portal, { commands: [], isReached: false });
    this.end(execution, outcome, at, error && { error });
  }

  /** A statement was prepared; shown when it is time, unless an execution shows it before. */
  owePrepared(prepared: Prepared, asked: number, at: number, outcome: Outcome, error?: ShownReport): void {
    this.#prepared.owe(prepared, asked, at, outcome, error);
  }

  showPrepared(): void {
    const bytes = { client: this.#clientBytes, server: this.#serverBytes };
    if (!this.#prepared.flush(bytes)) return;
    this.#clientBytes = 0;
    this.#serverBytes = 0;
  }

  /** CopyData that no COPY takes. */
  discard(operation: Operation): void {
    this.#discarded.take(operation);
  }

  /** The recording is over. */
  finish(): void {
    this.#prepared.flush();
    this.#showDiscarded();
  }

  notice({ fields }: ServerOf<'notice'>, at: number): void {
    this.step({ kind: 'notice', at, took: 0, notices: [this.#knowledge.texts.report(fields)] });
  }

  notification(message: ServerOf<'notification'>, at: number): void {
    const notification = this.#knowledge.texts.notification(message);
    this.step({ kind: 'notification', at, took: 0, notification });
  }

  damaged(text: string, at: number): void {
    this.step({ kind: 'damaged', at, took: 0, text });
  }

  step(step: Step): void {
    this.#showDiscarded();
    this.#emit(step);
  }

  #showDiscarded(): void {
    const step = this.#discarded.step();
    if (step !== undefined) this.#emit(step);
  }

  #execution(
    operation: Operation,
    portal: Portal | undefined,
    known: Pick<Statement, 'commands' | 'isReached'>,
  ): Execution {
    const { at, load } = operation;
    const kind = operation.kind as Statement['kind'];
    const text = kind === 'execute' ? portal?.prepared?.text : load?.text;
    const doubt = this.#doubtOf(operation, portal);
    const clientBytes = this.#clientBytes;
    this.#clientBytes = 0;
    const statement = { kind, at, text, portal, values: load?.values, doubt, clientBytes, ...known };
    const formats = { formats: load?.formats, resultFormats: load?.resultFormats };
    return new Execution(
      { ...statement, ...formats },
      this.#knowledge.sql,
      this.#knowledge.texts,
      this.#limits,
      this.#tap,
    );
  }

  #doubtOf({ kind, portal: name, dropped }: Operation, portal: Portal | undefined): string | undefined {
    if (dropped || (portal !== undefined && isDropped(portal))) return DROPPED;
    const { names, settings } = this.#knowledge;
    return kind === 'execute' ? (portal?.doubt ?? names.portalDoubt(settings.protocolKey(name))) : undefined;
  }
}

function isDropped({ values, prepared }: Portal): boolean {
  return values === undefined || (prepared !== undefined && prepared.text === undefined);
}
