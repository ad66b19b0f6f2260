import type { Parser } from '#core/protocols/postgres/shapes/parser.ts';
import { isUnreadable } from '#core/protocols/postgres/shapes/unreadable.ts';
import type { ScriptTotals } from '../../export/exports.ts';
import { escapeLines } from '../../text.ts';
import { formatStep } from '../format.ts';
import type { Step } from '../step.ts';
import type { TransactionEvent } from '../tap.ts';
import { endsEarly, psqlDoubt } from './psql-reading.ts';
import { comment, sqlConstant, typeName } from './sql-text.ts';

/** A step, and what it does not say itself. */
export interface Told {
  readonly step: Step;
  readonly number: number;
  /** All data that the client sent to its COPY. */
  readonly data: readonly Buffer[] | undefined;
  /** Types that the client said of its parameters. */
  readonly declared: readonly number[];
  /** How the server read the statement. */
  readonly standardStrings: boolean;
}

const STATEMENTS = new Set(['query', 'execute', 'copy-in', 'copy-out', 'function-call', 'copy-both']);
const BEGINS = /^\s*(?:begin|start\s+transaction)\b/i;
const COMMITS = /^\s*(?:commit|end)\b/i;
const WIDTH = 120;
const SEMICOLON = 59;

/** Makes the text of a script, a statement at a time. */
export class ScriptWriter {
  readonly #parser: Parser;
  #text = '';
  #steps = 0;
  #commented = 0;
  #doubtful = 0;
  /** A text of several commands waits for the answers to all of them. */
  #query: { readonly first: Told; readonly told: Told[]; readonly events: TransactionEvent[] } | undefined;
  /** The client's own transaction. */
  #isInBlock = false;
  /** One that no BEGIN began, with a statement in it: the script's own, where another follows. */
  #implicit: { held: string; isOpen: boolean } | undefined;

  constructor(parser: Parser) {
    this.#parser = parser;
  }

  get totals(): ScriptTotals {
    return { steps: this.#steps, commented: this.#commented, doubtful: this.#doubtful };
  }

  take(): string {
    const taken = this.#text;
    this.#text = '';
    return taken;
  }

  step(told: Told): void {
    this.#steps = told.number;
    const { step } = told;
    if (!STATEMENTS.has(step.kind)) return this.#aside(told);
    if ((step.part ?? 1) > 1 && this.#query !== undefined) return void this.#query.told.push(told);
    this.#closeQuery();
    this.#query = { first: told, told: [told], events: [] };
  }

  /** The server has answered all of a query, or of a pipeline. */
  ready(): void {
    this.#closeQuery();
  }

  transaction(event: TransactionEvent): void {
    if (this.#query === undefined) this.#ended(event);
    else this.#query.events.push(event);
  }

  #ended(event: TransactionEvent): void {
    if (event.kind !== 'end') return;
    const implicit = this.#implicit;
    this.#implicit = undefined;
    if (implicit === undefined) return;
    if (implicit.isOpen)
      this.#add(event.committed ? 'COMMIT;\n' : 'ROLLBACK; -- all of it was rolled back\n');
    else if (event.committed) this.#add(implicit.held);
    else this.#add(`${comment(`rolled back at its end:\n${implicit.held.trimEnd()}`)}\n`);
  }

  end(): void {
    this.#closeQuery();
    if (this.#implicit?.isOpen === false) this.#add(this.#implicit.held);
    if (this.#implicit?.isOpen === true || this.#isInBlock)
      this.#add('ROLLBACK; -- the session ended before its transaction did\n');
  }

  #add(text: string): void {
    this.#text += text;
  }

  /** What is no statement: a login, a notice, a note. */
  #aside(told: Told): void {
    if (told.step.kind === 'prepare') return;
    this.#closeQuery();
    this.#say(`\n${answerText(told)}\n`);
  }

  #closeQuery(): void {
    const query = this.#query;
    this.#query = undefined;
    if (query === undefined) return;
    this.#statement(query.first, query.told);
    for (const event of query.events) this.#ended(event);
  }

  #statement(first: Told, told: readonly Told[]): void {
    const head = `\n-- step ${first.number}\n`;
    const answers = `${told.map(answerText).join('\n')}\n`;
    const why = whyNot(first, told) ?? this.#psqlDoubt(first);
    if (why !== undefined) {
      if (why.isDoubt) this.#doubtful += 1;
      else this.#commented += 1;
      const text = escapeLines(first.step.statement?.text ?? '');
      const ends = COMMITS.test(text) && first.step.outcome === 'failed' && this.#isInBlock;
      if (ends) this.#isInBlock = false;
      return this.#say(`${head}${comment(`${why.words}:\n${text}`)}\n${ends ? 'ROLLBACK;\n' : ''}${answers}`);
    }
    this.#run(head + this.#command(first, told) + answers, first, told);
  }

  /** Into the transaction that it was in. */
  #run(text: string, first: Told, told: readonly Told[]): void {
    const sql = first.step.statement!.text;
    const wasInBlock = this.#isInBlock;
    for (const { step } of told) {
      if (step.tag === 'BEGIN' || step.tag === 'START TRANSACTION') this.#isInBlock = true;
      if (step.tag === 'COMMIT' || step.tag === 'ROLLBACK' || step.tag === 'PREPARE TRANSACTION')
        this.#isInBlock = isOnlyToSavepoint(sql);
    }
    if (wasInBlock || this.#isInBlock || BEGINS.test(sql)) return this.#say(text);
    if (this.#implicit === undefined) this.#implicit = { held: text, isOpen: false };
    else {
      this.#say('');
      this.#add(text);
    }
  }

  /** Behind what waits: that was not alone in its transaction, so that the script has to begin one. */
  #say(text: string): void {
    const implicit = this.#implicit;
    if (implicit !== undefined && !implicit.isOpen) {
      this.#add(`\nBEGIN; -- one pipeline\n${implicit.held}`);
      this.#implicit = { held: '', isOpen: true };
    }
    this.#add(text);
  }

  #psqlDoubt({ step, standardStrings, data = [] }: Told): ReturnType<typeof whyNot> {
    const why = psqlDoubt(step.statement!.text, standardStrings, this.#parser);
    if (why !== undefined) return doubtful(why);
    return endsEarly(Buffer.concat(data)) ? doubtful('psql would take data for commands') : undefined;
  }

  #command({ step, number, data, declared }: Told, told: readonly Told[]): string {
    const text = step.statement!.text;
    const isRolledBack = COMMITS.test(text) && told.at(-1)!.step.tag === 'ROLLBACK';
    if (isRolledBack) return `ROLLBACK; ${comment(`it was: ${text.trim()}`).replaceAll('\n', ' ')}\n`;
    if (step.kind === 'copy-in') return this.#terminated(text) + copyText(data ?? []);
    if (step.values === undefined || step.values.length === 0) return this.#terminated(text);
    const types = step.values.map((_value, at) => typeName(declared[at] ?? 0)).join(', ');
    const values = step.values.map((value) => (value === null ? 'NULL' : sqlConstant(value.text))).join(', ');
    const name = `custody_${number}`;
    return `PREPARE ${name} (${types}) AS ${this.#terminated(text)}EXECUTE ${name} (${values});\nDEALLOCATE ${name};\n`;
  }

  /** With one semicolon at its end; those between its commands do not end it for psql. */
  #terminated(text: string): string {
    const parsed = this.#parser.parse(text);
    if (isUnreadable(parsed)) return `${text.trimEnd().replace(/;+$/, '')}\n;\n`;
    const ends = parsed.tokens.filter(({ type }) => type === SEMICOLON).map(({ start }) => start);
    const bytes = Buffer.from(text);
    const last = parsed.tokens.findLast(({ type }) => type !== 275 && type !== 276);
    let [made, at] = ['', 0];
    for (const end of ends) {
      made += bytes.toString('utf8', at, end) + (end === last?.start ? '' : '\\;');
      at = end + 1;
    }
    return `${(made + bytes.toString('utf8', at)).trimEnd()}\n;\n`;
  }
}

/** Why a statement does not stand in the script as what is to be run. */
function whyNot(
  { step, data }: Told,
  told: readonly Told[],
): { words: string; isDoubt: boolean } | undefined {
  const failed = told.find(({ step: { outcome } }) => outcome === 'failed');
  if (failed !== undefined) {
    const isMixed = told.length > 1 && told.some(({ step: { tag } }) => tag === 'COMMIT');
    return isMixed
      ? doubtful('a part of it was committed before another failed')
      : { words: 'it failed', isDoubt: false };
  }
  const { statement, outcome, doubt, kind, copy } = step;
  if (outcome === 'skipped' || outcome === 'unfinished' || outcome === 'empty')
    return { words: `it was ${outcome}`, isDoubt: false };
  if (statement === undefined) return doubtful(doubt ?? 'its text is not known');
  if (doubt !== undefined) return doubtful(doubt);
  if (statement.cut) return doubtful('its text is not all there');
  if (statement.undecoded === true) return doubtful('its text is not certain');
  if (step.values?.some((value) => value?.cut || value?.undecoded))
    return doubtful('a value is not all there');
  if (kind === 'function-call' || kind === 'copy-both') return doubtful(`a script has no ${kind}`);
  if (kind === 'copy-in' && copy?.format === 'binary') return doubtful('data of a binary COPY is no text');
  if (kind === 'copy-in' && Buffer.concat(data ?? []).length !== copy?.bytes)
    return doubtful('its data is not all there');
  return undefined;
}

function doubtful(why: string): { words: string; isDoubt: boolean } {
  return { words: `NOT CERTAIN, and so not run: ${why}`, isDoubt: true };
}

function isOnlyToSavepoint(sql: string): boolean {
  return /^\s*rollback\b[^;]*\bto\b/i.test(sql);
}

/** Data as COPY FROM STDIN reads it in a script. */
function copyText(pieces: readonly Buffer[]): string {
  const text = Buffer.concat(pieces).toString('utf8');
  const ended = text === '' || text.endsWith('\n') ? text : `${text}\n`;
  return `${ended}${ended.endsWith('\\.\n') ? '' : '\\.\n'}`;
}

/** What was answered, for whoever reads it. */
function answerText({ step }: Told): string {
  const { statement: _statement, values: _values, runs: _runs, copy, ...answer } = step;
  const shown = {
    ...answer,
    ...(copy === undefined ? {} : { copy: { ...copy, sample: { text: '', bytes: 0, cut: false } } }),
  };
  const rows = shown.rows?.slice(0, 10);
  const text = formatStep({ ...shown, ...(rows === undefined ? {} : { rows }) }, WIDTH);
  const lines = text.replaceAll(/^ {13}/gm, '  ').split('\n');
  // What was asked stands above it.
  return comment(STATEMENTS.has(step.kind) ? lines.slice(1).join('\n') : text);
}
