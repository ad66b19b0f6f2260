import type { Contract } from '#core/tasks/contract.ts';
import { ContractWatch } from '#core/tasks/contract-watch.ts';
import type { Deviation } from '#core/tasks/deviation.ts';
import { isReadable } from '#core/tasks/seen.ts';
import { settingDeviation } from '#core/tasks/setting-deviations.ts';
import type { ValueFacts } from '#core/tasks/values.ts';
import { callsFunctions } from './calls-functions.ts';
import { Going, type Portal, type Prepared, type Step } from './contract-going.ts';
import { ContractNames, type TrialNames } from './contract-names.ts';
import type { ClientMessage, ContractPiece } from './contract-pieces.ts';
import type { CommandSight, PreparedStatement, SeenStatement } from './contract-sight.ts';
import { harmless } from './harmless.ts';
import { maySet } from './meaning.ts';
import { OWN_NAMES } from './own-questions.ts';
import { copyOf, decodeText } from './wire.ts';

const READING = { utf8: true, standardStrings: true } as const;
const NO_VALUES: readonly never[] = [];

/** Something in a piece that the contract does not have. */
export interface Problem {
  readonly deviation: Deviation;
  readonly text: string;
  /** Whatever becomes of the deviation, it cannot go on: what it would do cannot be known. */
  readonly isHard?: true;
}

/** What a piece is, should it pass. */
export interface Judged {
  readonly steps: readonly Step[];
  readonly problems: readonly Problem[];
  /** It runs commands that are not beside the contract: the task begins with them. */
  readonly runs: boolean;
  /** It reads, binds or runs a command of the contract: what says how a text is read has to hold. */
  readonly acts: boolean;
  /** Of a pipeline, the message behind which it has to be cut: what comes then may be read otherwise by what ran until there. */
  readonly cut: number | undefined;
  /** It goes on: from now on its commands have run. */
  pass(): void;
}

/** What the texts of a piece are, by the index of their messages. */
export type Looked = readonly (readonly SeenStatement[] | PreparedStatement | undefined)[];

/** Says of each piece of what a client sends whether the contract has it. Pure but for what `pass` counts. */
export class ContractJudge {
  readonly contract: Contract;
  readonly facts: ValueFacts;
  readonly watch: ContractWatch;
  readonly names = new ContractNames();
  readonly #sight: CommandSight;
  readonly #callsFunctions: readonly boolean[];
  /** It says of a command's answer what columns it has. */
  readonly wantsColumns: boolean;

  constructor(contract: Contract, facts: ValueFacts, sight: CommandSight) {
    this.contract = contract;
    this.facts = facts;
    this.watch = new ContractWatch(contract, facts);
    this.#sight = sight;
    this.wantsColumns = contract.commands.some(({ declared }) => declared.answers.columns !== undefined);
    this.#callsFunctions = contract.commands.map(({ declared }) => callsFunctions(declared.statement ?? ''));
  }

  /** Whether running it may change how later texts are read. */
  mayChangeMeaning({ at, seen }: Going): boolean {
    if (seen.beside !== undefined) return false;
    if (seen.sets !== undefined) return !maySet(seen.sets.setting);
    return at === undefined || this.callsFunctions(at);
  }

  /** Whether a command of the contract may call a function that changes how later texts are read. */
  callsFunctions(at: number): boolean {
    return this.#callsFunctions[at]!;
  }

  look({ messages }: ContractPiece): Looked | Promise<Looked> {
    let waits = false;
    const looked = messages.map((sent) => {
      const one = this.#lookAt(sent);
      waits ||= one instanceof Promise;
      return one;
    });
    return waits ? Promise.all(looked.map(async (one) => one)) : (looked as Looked);
  }

  #lookAt(sent: ClientMessage): Looked[number] | Promise<Looked[number]> {
    if (sent.kind === 'query') return this.#sight.query(sent.text, READING);
    return sent.kind === 'parse' ? this.#sight.prepare(sent.text, sent.oids, READING) : undefined;
  }

  /** `atMs`: since the task's first command. */
  judge({ messages }: ContractPiece, looked: Looked, atMs: number): Judged {
    const trial = new Trial(this, messages, atMs);
    for (let at = 0; at < messages.length; at += 1) trial.take(messages[at]!, looked[at], at);
    return trial;
  }
}

/** A piece that is being looked at. */
class Trial implements Judged {
  readonly steps: Step[] = [];
  readonly problems: Problem[] = [];
  runs = false;
  acts = false;
  cut: number | undefined;
  readonly #judge: ContractJudge;
  readonly #messages: readonly ClientMessage[];
  readonly #atMs: number;
  readonly #names: TrialNames;
  /** Counted, in their order. */
  readonly #counted: number[] = [];
  /** The watch as it would be; needed from the second command on. */
  #watch: ContractWatch | undefined;
  #started: Map<Portal, Going> | undefined;

  constructor(judge: ContractJudge, messages: readonly ClientMessage[], atMs: number) {
    this.#judge = judge;
    this.#messages = messages;
    this.#atMs = atMs;
    this.#names = judge.names.trial();
  }

  pass(): void {
    for (const at of this.#counted) this.#judge.watch.went(at);
    if (this.#started !== undefined) for (const [portal, run] of this.#started) portal.run = run;
  }

  take(sent: ClientMessage, looked: Looked[number], at: number): void {
    switch (sent.kind) {
      case 'query':
        return this.#query(sent.text, looked as readonly SeenStatement[]);
      case 'parse':
        return this.#parse(sent, looked as PreparedStatement, at);
      case 'bind':
        return this.#bind(sent, at);
      case 'execute':
        return this.#execute(sent.portal, at);
      case 'describe': {
        const { isPortal, name } = sent;
        const of = isPortal ? this.#names.portal(name) : this.#names.statement(name);
        this.steps.push({ kind: 'describe', of });
        return;
      }
      case 'close':
        if (sent.isPortal) this.#names.setPortal(sent.name, undefined);
        else this.#names.setStatement(sent.name, undefined);
        this.steps.push(sent as Step);
        return;
      case 'sync':
      case 'flush':
        return undefined;
    }
  }

  #query(bytes: Uint8Array, seen: readonly SeenStatement[]): void {
    // Should reviewers want it: the bytes are not ours.
    const own = copyOf(bytes);
    const text = (): string => decodeText(own);
    if (seen.length === 0) this.steps.push({ kind: 'nothing' });
    let before: Going | undefined;
    for (const one of seen) {
      const run = this.#run(one, text);
      if (before !== undefined && run.at !== undefined)
        this.problems.push({ deviation: BEHIND_A_CALL, text: text() });
      if (run.at !== undefined && this.#judge.callsFunctions(run.at)) before ??= run;
      this.steps.push(isReadable(one.command) ? { kind: 'run', run } : { kind: 'run', run, open: true });
    }
  }

  #parse(
    { name, text }: Extract<ClientMessage, { kind: 'parse' }>,
    statement: PreparedStatement,
    at: number,
  ): void {
    const prepared: Prepared = { text: copyOf(text), statement };
    const why = this.#names.problemOf(name, OWN_NAMES);
    if (why !== undefined) this.#hard(why, decodeText(text));
    this.#names.setStatement(name, prepared);
    this.steps.push({ kind: 'parse', name, prepared });
    this.acts = true;
    if (statement.isEmpty || this.#isBoundLater(name, at)) return;
    const shape = statement.bind(
      NO_VALUES,
      Array.from({ length: statement.parameters }, () => null),
    );
    this.#readOnly(shape, () => decodeText(prepared.text));
  }

  /** A statement that is only read, or bound, has not run: its values and counts are looked at when it does. */
  #readOnly(seen: SeenStatement, text: () => string, isBound = false): void {
    const { contract } = this.#judge;
    if (contract.declared.onDeviation === 'record' || this.#isBeside(seen) || seen.sets !== undefined) return;
    const { command } = seen;
    if (!isBound && isReadable(command) && contract.byShape.has(command.shape)) return;
    const judgement = this.#now().judge(command, this.#atMs);
    if (!judgement.fits) this.problems.push({ deviation: judgement.deviation, text: text() });
  }

  #bind(sent: Extract<ClientMessage, { kind: 'bind' }>, at: number): void {
    const prepared = this.#names.statement(sent.name);
    const why = this.#names.problemOf(sent.portal, OWN_NAMES);
    if (why !== undefined) this.#hard(why, '');
    if (prepared === undefined) return this.#hard('is of a prepared statement that nobody saw', '');
    const { statement, types } = prepared;
    const seen = statement.isEmpty ? EMPTY : statement.bind(sent.formats, sent.values, types);
    const values = sent.values.map((value) => (value === null ? undefined : copyOf(value)));
    const text = (): string => withValues(decodeText(prepared.text), sent.formats, values);
    const portal: Portal = { prepared, seen, text, columns: prepared.columns };
    this.#names.setPortal(sent.portal, portal);
    this.steps.push({ kind: 'bind', name: sent.portal, portal });
    this.acts = true;
    if (seen !== EMPTY && !this.#isExecutedLater(sent.portal, at)) this.#readOnly(seen, text, true);
  }

  #execute(name: string, at: number): void {
    const portal = this.#names.portal(name);
    if (portal === undefined) return this.#hard('is of a portal that nobody saw, or of a cursor', '');
    const { seen } = portal;
    if (seen === EMPTY) {
      this.steps.push({ kind: 'nothing' });
      return;
    }
    this.acts = true;
    const before = portal.run ?? this.#started?.get(portal);
    const run = before ?? this.#run(seen, portal.text);
    if (before === undefined) (this.#started ??= new Map()).set(portal, run);
    if (
      seen.copies === 'in' &&
      !this.#messages.slice(at + 1).every(({ kind }) => kind === 'sync' || kind === 'flush')
    )
      this.#hard('is a COPY with more behind it in its pipeline', portal.text());
    this.steps.push({ kind: 'run', run, portal });
    if (this.#judge.mayChangeMeaning(run) && this.#messages.slice(at + 1).some(({ kind }) => READS.has(kind)))
      this.cut ??= at;
  }

  /** One that is to run now. */
  #run(seen: SeenStatement, text: () => string): Going {
    const { contract } = this.#judge;
    if (this.#isBeside(seen)) return new Going(seen, undefined, text, contract);
    if (seen.sets !== undefined && contract.settings.has(seen.sets.setting.toLowerCase())) {
      this.#setting(seen, text);
      return new Going(seen, undefined, text, contract);
    }
    this.acts = this.runs = true;
    return new Going(seen, this.#counts(seen, text), text, contract);
  }

  #counts(seen: SeenStatement, text: () => string): number | undefined {
    let judgement = this.#now().judge(seen.command, this.#atMs);
    if (!judgement.fits && judgement.deviation.kind === 'too-late') {
      this.problems.push({ deviation: judgement.deviation, text: text() });
      judgement = this.#now().judge(seen.command, 0);
    }
    if (!judgement.fits) {
      const isUnknown = judgement.command === undefined;
      if (isUnknown && seen.sets !== undefined) this.#setting(seen, text);
      else this.problems.push({ deviation: judgement.deviation, text: text() });
    }
    const { command } = judgement;
    if (command === undefined) return undefined;
    this.#counted.push(command);
    this.#watch?.went(command);
    return command;
  }

  #setting({ sets }: SeenStatement, text: () => string): void {
    const { contract, facts } = this.#judge;
    const deviation = settingDeviation(contract, sets!, facts);
    if (deviation !== undefined) this.problems.push({ deviation, text: text() });
  }

  /** The watch as it is before the next command. */
  #now(): ContractWatch {
    if (this.#counted.length === 0) return this.#judge.watch;
    if (this.#watch === undefined) {
      this.#watch = this.#judge.watch.copy();
      for (const at of this.#counted) this.#watch.went(at);
    }
    return this.#watch;
  }

  #isBeside({ beside, command }: SeenStatement): boolean {
    if (beside === undefined) return false;
    return this.#judge.contract.declared.allow.includes(beside) || harmless(command.text) === 'undo';
  }

  #isBoundLater(name: string, at: number): boolean {
    for (let next = at + 1; next < this.#messages.length; next += 1) {
      const sent = this.#messages[next]!;
      if (sent.kind === 'bind' && sent.name === name) return true;
      if (sent.kind === 'parse' && sent.name === name) return false;
    }
    return false;
  }

  #isExecutedLater(portal: string, at: number): boolean {
    for (let next = at + 1; next < this.#messages.length; next += 1) {
      const sent = this.#messages[next]!;
      if (sent.kind === 'execute' && sent.portal === portal) return true;
      if (sent.kind === 'bind' && sent.portal === portal) return false;
    }
    return false;
  }

  #hard(why: string, text: string): void {
    this.problems.push({
      deviation: {
        kind: 'unreadable',
        expected: 'commands of known shapes alone',
        seen: `a command that cannot be looked at: it ${why}`,
      },
      text,
      isHard: true,
    });
  }
}

/** A server reads the commands of one query one after the other, each under what those before it have set. */
const BEHIND_A_CALL: Deviation = {
  kind: 'unreadable',
  expected: 'a command that calls a function as the last of its query',
  seen: 'another one stands behind it',
};

const READS: ReadonlySet<ClientMessage['kind']> = new Set(['parse', 'bind', 'execute']);

/** A portal of a text without a command. */
const EMPTY: SeenStatement = { command: { text: '', why: 'is empty' } };

function withValues(
  text: string,
  formats: readonly number[],
  values: readonly (Uint8Array | undefined)[],
): string {
  const lines = values.map((value, at) => {
    const isBinary = (formats.length > 1 ? formats[at] : formats[0]) === 1;
    return `-- $${at + 1} = ${value === undefined ? 'NULL' : isBinary ? hex(value) : JSON.stringify(decodeText(value))}`;
  });
  return [text, ...lines].join('\n');
}

function hex(bytes: Uint8Array): string {
  return `\\x${Buffer.from(bytes).toString('hex')}`;
}
