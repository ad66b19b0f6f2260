import type { Deviation } from '#core/tasks/deviation.ts';
import type { SeenAnswer } from '#core/tasks/seen.ts';
import { type BackendMessage, parseBackend, type TransactionStatus } from './backend.ts';
import type { Going, Step } from './contract-going.ts';
import type { ContractJudge } from './contract-judge.ts';
import type { Hold, MessageBody } from './contract-target.ts';
import { mayCommit } from './harmless.ts';
import { Backend } from './messages.ts';
import { TransactionLog } from './transaction-log.ts';
import { charactersOf, violation } from './wire.ts';

/** What of the target's answers the session has to know. */
export interface AnswerEars {
  /** Milliseconds, monotonic. */
  now(): number;
  /** Says whether the stream waits for what becomes of them. */
  deviates(run: Going, deviations: readonly Deviation[]): boolean;
  /** A COPY waits for the client's data. */
  copyIn(run: Going): void;
  setting(name: string, value: string): void;
  /** Nothing more of a command comes, or not before the client wants it. */
  over(run: Going): void;
  /** All that was sent is answered. `failed`: in a pipeline that is not over yet, what comes is passed over. */
  answered(failed: boolean): void;
}

/**
 * Whose answer each message of the target's is, and what the contract says of it. One piece is answered at a time.
 * https://www.postgresql.org/docs/current/protocol-flow.html
 */
export class ContractAnswers {
  readonly #judge: ContractJudge;
  readonly #ears: AnswerEars;
  readonly #log = new TransactionLog<number>();
  #steps: readonly Step[] = [];
  #at = 0;
  /** ReadyForQuery ends it. */
  #untilReady = false;
  #waiting = false;
  #failed = false;
  #status: TransactionStatus = 'I';

  constructor(judge: ContractJudge, ears: AnswerEars) {
    this.#judge = judge;
    this.#ears = ears;
  }

  /** The transaction's, as the target told it last. */
  get status(): TransactionStatus {
    return this.#status;
  }

  /** What runs, or will when what is before it is answered. */
  get next(): Going | undefined {
    if (!this.#waiting) return undefined;
    for (let at = this.#at; at < this.#steps.length; at += 1) {
      const step = this.#steps[at]!;
      if (step.kind === 'run' && !step.run.over) return step.run;
    }
    return undefined;
  }

  /** The target has said so in an answer to the gateway. */
  told(status: string): void {
    this.#status = status as TransactionStatus;
  }

  /** A piece goes to the target. */
  expect(steps: readonly Step[], untilReady: boolean): void {
    this.#steps = steps;
    this.#at = 0;
    this.#untilReady = untilReady;
    this.#waiting = true;
    this.#failed = false;
    if (steps.length === 0 && !untilReady) this.#done();
  }

  row(): Hold {
    const step = this.#steps[this.#at];
    if (step?.kind !== 'run') throw violation('a row that nobody asked for');
    const { run } = step;
    run.rows += 1;
    if (run.rows === 1 && run.columns === undefined && step.portal !== undefined) {
      run.columns = step.portal.columns ?? step.portal.prepared.columns;
      if (this.#tell(run, this.#answer(run, 'unfinished'), false)) return 'before';
    } else if (run.rows !== run.maxRows + 1) return 'no';
    return this.#tell(run, this.#answer(run, 'unfinished'), false) ? 'before' : 'no';
  }

  message(type: number, body: MessageBody | undefined): Hold {
    switch (type) {
      case Backend.readyForQuery:
        return this.#ready(statusOf(body));
      case Backend.errorResponse:
        return this.#error(body);
      case Backend.commandComplete:
        return this.#completed(required(type, body));
      case Backend.rowDescription:
        return this.#described(body);
      case Backend.parameterDescription:
        return this.#parameters(body);
      case Backend.parameterStatus:
        return this.#setting(body);
      case Backend.copyInResponse:
        return this.#copyIn();
      case Backend.copyBothResponse:
      case Backend.functionCallResponse:
      case Backend.authentication:
        throw violation('the target answers what nobody asked');
      case Backend.parseComplete:
      case Backend.bindComplete:
      case Backend.closeComplete:
      case Backend.noData:
      case Backend.emptyQueryResponse:
        return this.#next();
      case Backend.portalSuspended:
        return this.#suspended();
      default:
        return 'no';
    }
  }

  /** The deviations of what has come by now, of one that is not over: told once each. */
  partly(run: Going): readonly Deviation[] {
    return this.#untold(run, this.#answer(run, 'unfinished'), false);
  }

  /** What its client thinks about before it wants more is no time of the command's. */
  #suspended(): Hold {
    const step = this.#steps[this.#at];
    if (step?.kind !== 'run') throw violation('a portal is suspended that nobody runs');
    step.run.spentMs = this.#ears.now() - step.run.since;
    this.#next();
    this.#ears.over(step.run);
    return 'no';
  }

  #next(): Hold {
    const step = this.#steps[this.#at];
    const { names } = this.#judge;
    if (step?.kind === 'parse') names.statements.set(step.name, step.prepared);
    else if (step?.kind === 'bind') names.portals.set(step.name, step.portal);
    else if (step?.kind === 'run' && step.open === true) return 'no';
    else if (step?.kind === 'close') (step.isPortal ? names.portals : names.statements).delete(step.name);
    this.#advance();
    return 'no';
  }

  #advance(): void {
    this.#at += 1;
    if (!this.#untilReady && this.#at >= this.#steps.length) this.#done();
  }

  #done(): void {
    if (!this.#waiting) return;
    this.#waiting = false;
    this.#ears.answered(this.#failed && !this.#untilReady);
  }

  #described(body: MessageBody | undefined): Hold {
    const columns = this.#judge.wantsColumns ? columnsOf(body) : undefined;
    const step = this.#steps[this.#at];
    if (step?.kind === 'describe') {
      if (step.of !== undefined && columns !== undefined) step.of.columns = columns;
      return this.#next();
    }
    if (step?.kind !== 'run') throw violation('columns that nobody asked for');
    if (columns === undefined) return 'no';
    step.run.columns = columns;
    return this.#tell(step.run, this.#answer(step.run, 'completed'), false) ? 'after' : 'no';
  }

  #parameters(body: MessageBody | undefined): Hold {
    const step = this.#steps[this.#at];
    const told = toldOf(Backend.parameterDescription, body);
    if (step?.kind === 'describe' && step.of !== undefined && 'statement' in step.of)
      if (told?.kind === 'parameter-description') step.of.types = told.types;
    return 'no';
  }

  #setting(body: MessageBody | undefined): Hold {
    const told = toldOf(Backend.parameterStatus, required(Backend.parameterStatus, body));
    if (told?.kind === 'parameter-status') this.#ears.setting(told.name, told.value);
    return 'no';
  }

  #copyIn(): Hold {
    const step = this.#steps[this.#at];
    if (step?.kind !== 'run') throw violation('a COPY that nobody asked for');
    // A server passes over the Sync that comes before the data: another one ends the pipeline.
    if (step.portal !== undefined) this.#untilReady = false;
    this.#ears.copyIn(step.run);
    return 'no';
  }

  #completed(body: MessageBody): Hold {
    const step = this.#steps[this.#at];
    if (step?.kind !== 'run') throw violation('a command is complete that nobody sent');
    const tag = tagOf(body);
    const { run, portal } = step;
    if (run.columns === undefined && portal !== undefined)
      run.columns = portal.columns ?? portal.prepared.columns;
    const back = this.#log.completed(run.at ?? -1, tag, run.command.text);
    this.#undo(back);
    if (step.open === true) return 'no';
    const isFirst = !run.over;
    const answer = isFirst && run.at !== undefined ? this.#whole(run, tag) : undefined;
    this.#advance();
    this.#isOver(run);
    return answer !== undefined && this.#tell(run, answer, true) ? 'after' : 'no';
  }

  /** What comes behind it is passed over, up to a Sync, or to the end of the query. */
  #error(body: MessageBody | undefined): Hold {
    const told = toldOf(Backend.errorResponse, body);
    const step = this.#waiting ? this.#steps[this.#at] : undefined;
    if (step === undefined) return 'no';
    this.#failed = true;
    this.#log.failed();
    const skipped = this.#steps.slice(this.#at + 1);
    this.#steps = [];
    this.#at = 0;
    for (const one of skipped) if (one.kind === 'run') this.#giveBack(one.run);
    const failed = step.kind === 'run' ? step.run : meantBy(step, skipped);
    if (step.kind === 'run' && mayCommit(step.run)) this.#isOver(step.run);
    else if (step.kind === 'run') this.#giveBack(step.run);
    const error = told?.kind === 'error' ? sqlstateOf(told) : '';
    const holds =
      failed !== undefined && this.#tell(failed, { ...this.#answer(failed, 'failed'), error }, true);
    if (!this.#untilReady) this.#done();
    return holds ? 'after' : 'no';
  }

  #ready(status: TransactionStatus): Hold {
    this.#status = status;
    this.#undo(this.#log.ready(status));
    if (status === 'I') this.#judge.names.transactionEnded();
    for (let at = this.#at; at < this.#steps.length; at += 1) {
      const step = this.#steps[at]!;
      if (step.kind === 'run') this.#isOver(step.run);
    }
    this.#steps = NO_STEPS;
    this.#at = 0;
    if (this.#untilReady) this.#done();
    return 'no';
  }

  /** What was complete before is the transaction's: a portal that is run again fails by itself. */
  #giveBack(run: Going): void {
    if (run.over) return;
    this.#isOver(run);
    if (run.at !== undefined) this.#judge.watch.undone(run.at);
  }

  #undo(back: readonly number[]): void {
    for (const at of back) if (at >= 0) this.#judge.watch.undone(at);
  }

  #isOver(run: Going): void {
    if (run.over) return;
    run.over = true;
    this.#ears.over(run);
  }

  /** Complete: `tag` is that of CommandComplete. */
  #whole(run: Going, tag: string): SeenAnswer {
    const answer = this.#answer(run, 'completed');
    const affected = run.expects?.affected === undefined ? undefined : affectedOf(tag);
    return affected === undefined ? answer : { ...answer, affected };
  }

  #answer(run: Going, outcome: SeenAnswer['outcome']): SeenAnswer {
    const { rows, columns, since, expects } = run;
    // Only a limit makes the clock worth asking.
    const tookMs = expects?.within === undefined ? 0 : Math.round(this.#ears.now() - since);
    return { outcome, rows, tookMs, ...(columns === undefined ? {} : { columns }) };
  }

  #tell(run: Going, answer: SeenAnswer, isWhole: boolean): boolean {
    const deviations = this.#untold(run, answer, isWhole);
    return deviations.length > 0 && this.#ears.deviates(run, deviations);
  }

  #untold(run: Going, answer: SeenAnswer, isWhole: boolean): readonly Deviation[] {
    if (run.at === undefined) return [];
    const found = this.#judge.watch.answered(run.at, answer, isWhole);
    if (found.length === 0) return found;
    const untold = found.filter(({ kind }) => !run.told.includes(kind));
    for (const { kind } of untold) run.told.push(kind);
    return untold;
  }
}

const NO_STEPS: readonly Step[] = [];

/** The command that was to run, where a server fails it while it is parsed, bound or described: 1/0 is computed when it is bound. */
function meantBy(step: Step, behind: readonly Step[]): Going | undefined {
  for (const one of behind) {
    if (one.kind !== 'run' || one.portal === undefined) continue;
    if (step.kind === 'bind' && one.portal === step.portal) return one.run;
    if (step.kind === 'parse' && one.portal.prepared === step.prepared) return one.run;
    if (step.kind === 'describe' && (one.portal === step.of || one.portal.prepared === step.of))
      return one.run;
  }
  return undefined;
}

function toldOf(type: number, body: MessageBody | undefined): BackendMessage | undefined {
  return body === undefined ? undefined : parseBackend(type, body.bytes.subarray(body.from, body.end));
}

function statusOf(body: MessageBody | undefined): TransactionStatus {
  const code = body === undefined || body.from === body.end ? 0 : body.bytes[body.from]!;
  return String.fromCharCode(code) as TransactionStatus;
}

/** Without its final zero. */
function tagOf({ bytes, from, end }: MessageBody): string {
  return charactersOf(bytes.subarray(from, Math.max(from, end - 1)));
}

function columnsOf(body: MessageBody | undefined): readonly string[] {
  const told = toldOf(Backend.rowDescription, body);
  return told?.kind === 'row-description' ? told.columns.map(({ name }) => name) : [];
}

function required(type: number, body: MessageBody | undefined): MessageBody {
  if (body === undefined) throw violation('a message is longer than it can be', String.fromCharCode(type));
  return body;
}

function sqlstateOf(told: Extract<BackendMessage, { kind: 'error' | 'notice' }>): string {
  return told.fields.get('C') ?? '';
}

const CHANGES = /^(?:INSERT \d+|UPDATE|DELETE|MERGE|COPY) (\d+)$/;

/** How many rows a command has changed, as its tag says. */
export function affectedOf(tag: string): number | undefined {
  const [, count] = CHANGES.exec(tag) ?? [];
  return count === undefined ? undefined : Number(count);
}
