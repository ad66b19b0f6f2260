import { Answer } from './answer.ts';
import { columnFormat, statementStep } from './present.ts';
import { type Meaning, NOT_KNOWN, type Source, type SqlEffects } from './sql-effects.ts';
import type { Statement } from './statement.ts';
import type { Outcome, ReplayLimits, Step } from './step.ts';
import type { Tap } from './tap.ts';
import type { Texts } from './texts.ts';
import type { CutValue } from './values.ts';

/** How an answer ended, and the bytes that the step took. */
export interface Ending {
  readonly outcome: Outcome;
  readonly at: number;
  readonly serverBytes: number;
  readonly copyBytes: number;
  readonly more?: Pick<Step, 'tag' | 'error' | 'transaction'>;
}

/** There is no such portal; the transaction has failed before. */
const NOTHING_RAN = new Set(['34000', '25P02']);

/** A statement that the server is at: collects its answers, and makes each into a step. */
export class Execution {
  readonly statement: Statement;
  readonly #limits: ReplayLimits;
  readonly #sql: SqlEffects;
  readonly #texts: Texts;
  readonly #tap: Tap | undefined;
  /** Answers so far, and those among them that are a command's. */
  #answers = 0;
  #parts = 0;
  #since: number;
  #clientBytes: number;
  #answer: Answer | undefined;
  #meaning: Meaning = {};

  constructor(statement: Statement, sql: SqlEffects, texts: Texts, limits: ReplayLimits, tap?: Tap) {
    this.#texts = texts;
    this.#tap = tap;
    this.statement = statement;
    this.#limits = limits;
    this.#sql = sql;
    this.#since = statement.at;
    this.#clientBytes = statement.clientBytes;
  }

  /** The answer that is coming in. */
  get answer(): Answer {
    if (this.#answer !== undefined) return this.#answer;
    const { portal, isReached } = this.statement;
    if (isReached) this.begin();
    this.#meaning = this.#sql.meaning(this.#source);
    this.#answer = new Answer(portal?.columns ?? portal?.prepared?.columns, this.#limits, this.#texts);
    this.#tap?.answers({
      statement: this.statement,
      part: this.#parts,
      answer: this.#answer,
      texts: this.#texts,
      reading: this.#sql.reading,
    });
    return this.#answer;
  }

  get hasBegun(): boolean {
    return this.#answer !== undefined;
  }

  /** The server has come to it: its texts are in the encoding that is in force now. */
  begin(): void {
    const { portal, text, values } = this.statement;
    this.#texts.begin(text, portal?.values ?? values);
  }

  /** Nothing came yet, not even an answer to a statement before. */
  get isUntouched(): boolean {
    return this.#answer === undefined && this.#answers === 0;
  }

  row(values: readonly (CutValue | null)[]): void {
    const { statement, answer } = this;
    const formatOf = (column: number): number => columnFormat(statement, answer, column);
    answer.row(values, formatOf);
    this.#tap?.row(values, formatOf);
  }

  /** The answer's step; what the command did to names is then so. */
  end({ outcome, at, serverBytes, copyBytes, more = {} }: Ending): Step {
    const { answer, statement } = this;
    const source = this.#source;
    this.#tap?.ending();
    const isNone = outcome === 'failed' && this.#meaning.runs === undefined;
    const meant = isNone ? undefined : this.#meaning.doubt;
    const doubt = statement.doubt ?? meant ?? this.#contradiction(source, outcome, more.tag);
    const bytes = { client: this.#clientBytes + copyBytes, server: serverBytes };
    const timed = { ...statement, since: this.#since, parts: this.#parts };
    const shown = statementStep(timed, answer, at, bytes, this.#limits);
    if (this.#ran(outcome, more.error?.sqlstate)) this.#sql.began(source, more.error?.sqlstate);
    if (outcome === 'completed') this.#sql.completed(source, more.tag ?? '', statement.portal);
    if (statement.portal?.prepared !== undefined) statement.portal.prepared.shown = true;
    this.#answers++;
    this.#parts += outcome === 'empty' ? 0 : 1;
    this.#since = at;
    this.#clientBytes = 0;
    this.#answer = undefined;
    const { runs } = this.#meaning;
    return { ...shown, ...(runs && { runs }), outcome, ...more, ...(doubt !== undefined && { doubt }) };
  }

  /** It ran, perhaps not to its end. */
  #ran(outcome: Outcome, sqlstate = ''): boolean {
    const { isReached, portal, kind } = this.statement;
    const isOfNone = kind === 'execute' && portal === undefined && NOTHING_RAN.has(sqlstate);
    return isReached && outcome !== 'empty' && !isOfNone;
  }

  #contradiction(source: Source, outcome: Outcome, tag: string | undefined): string | undefined {
    const isUnknown = this.statement.kind === 'execute' && source.text === undefined;
    if (isUnknown && (outcome === 'completed' || outcome === 'suspended')) return NOT_KNOWN;
    return outcome === 'completed' ? this.#sql.tagDoubt(source, tag ?? '') : undefined;
  }

  /** The command that is being answered, and its text. */
  get #source(): Source {
    const { text, commands } = this.statement;
    return { text, command: commands?.[this.#parts] };
  }
}
