import { once } from '#core/once.ts';
import { loadParser } from '#core/protocols/postgres/shapes/parser.ts';
import type { FactsOf, StepFacts, Touched } from '../facts.ts';
import { NO_FACTS } from '../facts.ts';
import { isErrorNote, noteCodes } from '../note-facts.ts';
import type { Shown } from '../step.ts';
import { CommandFacts, type KnownCommand } from './facts/command.ts';
import { countsOf } from './facts/counts.ts';
import { boundedTexts, messagesOf } from './facts/texts.ts';
import type { Step, StepKind } from './step.ts';

/** What is known of commands is shared by all sessions of the process, as the parser is. */
const loadCommands = once(async () => new CommandFacts(await loadParser()));

/** Loads the server's own parser, by which a command is told apart. */
export async function loadPostgresFacts(): Promise<FactsOf> {
  const commands = await loadCommands();
  return ({ step }) => new Finding(step as Step, commands).facts();
}

/** Of one statement that the parser takes. */
export async function loadPostgresShapeOf(): Promise<(statement: string) => string | undefined> {
  const commands = await loadCommands();
  return (statement) => {
    const isAlone = commands.of(statement, 2, false).shape === undefined;
    return isAlone ? commands.of(statement, 1, false).shape : undefined;
  };
}

/** Asked for, and not run. */
const NOT_RUN: ReadonlySet<Step['outcome']> = new Set(['skipped', 'empty']);
const ERRORS: ReadonlySet<StepKind> = new Set(['error', 'damaged', 'unmatched']);

class Finding {
  readonly #step: Step;
  readonly #commands: CommandFacts;

  constructor(step: Step, commands: CommandFacts) {
    this.#step = step;
    this.#commands = commands;
  }

  facts(): StepFacts {
    const { statement, bytes, values, rows } = this.#step;
    const sizes = { bytes: { sent: bytes?.client ?? 0, received: bytes?.server ?? 0 } };
    const said = { messages: messagesOf(this.#step), codes: this.#codes() };
    const command = statement && this.#known(statement);
    if (statement === undefined || command === undefined)
      return { ...NO_FACTS, ...sizes, ...said, isError: this.#isError(), isWrite: this.#isUnseen() };
    return {
      ...this.#touched(command),
      ...sizes,
      ...said,
      isError: this.#isError(),
      text: statement.text,
      values: boundedTexts(values ?? [], command.constants),
      results: boundedTexts((rows ?? []).flat()),
      rows: countsOf(this.#step, command.makes),
    };
  }

  /** Of a command and of what its name stands for. */
  #touched(command: KnownCommand): StepFacts {
    const { runs } = this.#step;
    const inner = runs && this.#commands.of(runs.text, 1, runs.cut);
    const all = inner === undefined ? [command] : [command, inner];
    const isRun = this.#step.kind !== 'prepare';
    return {
      ...NO_FACTS,
      isWrite: isRun && all.some((one) => this.#wrote(one)),
      ...(command.shape !== undefined && { shape: command.shape }),
      ...(runs && { runs: { text: runs.text, ...(inner?.shape !== undefined && { shape: inner.shape }) } }),
      relations: isRun ? relationsOf(all) : [],
      functions: [...new Set(all.flatMap(({ calls }) => calls))],
      files: all.flatMap(({ files }) => files),
    };
  }

  #known({ text, cut }: Shown): KnownCommand {
    if (this.#step.kind === 'function-call') return this.#commands.unseen();
    return this.#commands.of(text, this.#step.part ?? 1, cut);
  }

  /** What failed took everything back, but for what no transaction holds. */
  #wrote({ writes, lasts }: KnownCommand): boolean {
    const { outcome } = this.#step;
    if (NOT_RUN.has(outcome)) return false;
    return outcome === 'failed' ? lasts : writes;
  }

  /** An answer to what the recording does not hold, and what lacks its statement. */
  #isUnseen(): boolean {
    const { kind, outcome } = this.#step;
    return (
      (kind === 'unmatched' || kind === 'copy-both' || kind === 'query' || kind === 'execute') &&
      outcome !== 'empty'
    );
  }

  #isError(): boolean {
    const { kind, outcome, note } = this.#step;
    return outcome === 'failed' || ERRORS.has(kind) || isErrorNote(note);
  }

  #codes(): readonly string[] {
    const { error, notices = [], note } = this.#step;
    const told = [error, ...notices].flatMap((one) => (one === undefined ? [] : [one.sqlstate]));
    // 00000 is no news.
    return [...new Set([...told.filter((code) => code !== '00000'), ...noteCodes(note)])];
  }
}

function relationsOf(commands: readonly KnownCommand[]): readonly Touched[] {
  const [first, second] = commands;
  if (second === undefined && first !== undefined) return first.relations;
  const seen = new Map(
    commands.flatMap(({ relations }) => relations).map((one) => [`${one.how} ${one.name}`, one] as const),
  );
  return [...seen.values()];
}
