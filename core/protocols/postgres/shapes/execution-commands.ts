import type { Portal } from '#core/replay/postgres/memory.ts';
import { RENAMED } from '#core/replay/postgres/names.ts';
import type { Statement } from '#core/replay/postgres/statement.ts';
import type { Answering, Reading } from '#core/replay/postgres/tap.ts';
import type { CutValue } from '#core/replay/postgres/values.ts';
import type { UnreadableCommand } from '#core/tasks/seen.ts';
import type { SeenExecution } from '#core/tasks/shapes.ts';

/** What is known of a command by its text and its values. */
export type SeenStatement = Pick<SeenExecution, 'command' | 'beside' | 'sets'>;

/** How commands are seen, on the path and in recordings. The bytes are those of the client, without the zero at a text's end. */
export interface CommandSource {
  /** Of a query, each of its commands; of one that does not parse, a single one. */
  query(text: Uint8Array, reading: Reading): readonly SeenStatement[] | Promise<unknown>;
  prepare(text: Uint8Array, oids: readonly number[], reading: Reading): PreparedCommand | Promise<unknown>;
}

export interface PreparedCommand {
  bind(
    formats: readonly number[],
    values: readonly (Uint8Array | null)[],
    described?: readonly number[],
  ): SeenStatement;
}

/** The commands of statements as they are answered. */
export class SeenCommands {
  readonly #source: CommandSource;
  /** A query may hold thousands, and an answer has rows before it has an end. */
  readonly #seen = new WeakMap<Statement, readonly SeenStatement[]>();

  constructor(source: CommandSource) {
    this.#source = source;
  }

  /** The query has no command of this number: what is answered is none of it. */
  isBeyond(answering: Answering, part: number): boolean {
    const seen = this.#of(answering);
    return answering.statement.kind === 'query' && seen.length > 0 && !(part in seen) && !isAlone(seen);
  }

  /** The command of this number, from 0. */
  at(answering: Answering, part: number): SeenStatement {
    const seen = this.#of(answering);
    if (this.isBeyond(answering, part)) return unreadable('', 'is answered more often than it has commands');
    return seen[part] ?? seen[0] ?? unreadable('', 'is empty, and answered');
  }

  /** Those behind it. */
  after(answering: Answering, part: number): readonly SeenStatement[] {
    return this.#of(answering).slice(part + 1);
  }

  #of(answering: Answering): readonly SeenStatement[] {
    const { statement, reading } = answering;
    const before = this.#seen.get(statement);
    if (before !== undefined) return before;
    // A source may give one command for two: here each is its own.
    const seen = this.#read(statement, reading).map((one) => ({ ...one, command: { ...one.command } }));
    this.#seen.set(statement, seen);
    return seen;
  }

  #read({ kind, text, portal, doubt }: Statement, reading: Reading): readonly SeenStatement[] {
    if (kind === 'unmatched') return [unreadable('', 'is an answer to nothing that was asked')];
    if (kind === 'function-call') return [unreadable('a call of a function', 'is no SQL')];
    if (kind === 'execute') return [this.#bound(portal, reading, doubt)];
    if (text === undefined) return [unreadable('', 'was not kept: too much waited for answers')];
    if (isCut(text)) return [tooLong(text)];
    return known(this.#source.query(text.bytes, reading));
  }

  #bound(portal: Portal | undefined, reading: Reading, doubt: string | undefined): SeenStatement {
    const text = portal?.prepared?.text;
    if (portal === undefined || text === undefined || portal.values === undefined)
      return unreadable('', doubt ?? 'is not in the recording');
    if (isCut(text)) return tooLong(text);
    if (doubt !== undefined && doubt !== RENAMED) return unreadable(shown(text), `is not certain: ${doubt}`);
    if (portal.values.some((value) => value !== null && isCut(value)))
      return unreadable(shown(text), 'has a value that is longer than 64 KiB');
    const { declared, types } = portal.prepared!;
    const prepared: PreparedCommand = known(this.#source.prepare(text.bytes, declared, reading));
    const values = portal.values.map((value) => value && value.bytes);
    return prepared.bind(portal.formats, values, types === declared ? undefined : types);
  }
}

function isAlone([first]: readonly SeenStatement[]): boolean {
  return first !== undefined && 'why' in first.command;
}

/** Recordings are read with a parser that answers at once: rows pass while a command is looked at. */
function known<T>(seen: T | Promise<unknown>): T {
  if (seen instanceof Promise) throw new TypeError('the parser is not one for recordings');
  return seen;
}

function isCut({ bytes, length }: CutValue): boolean {
  return bytes.length < length;
}

function tooLong(text: CutValue): SeenStatement {
  return unreadable(shown(text), 'is longer than 16 KiB');
}

const SHOWN_BYTES = 200;

function shown({ bytes }: CutValue): string {
  return Buffer.from(bytes.subarray(0, SHOWN_BYTES)).toString('latin1');
}

export function unreadable(text: string, why: string): { readonly command: UnreadableCommand } {
  return { command: { text, why } };
}
