/** Commands in what a client sends. */
import type { SeenCommand, SeenLiteral, SeenValue, UnreadableCommand } from '#core/tasks/seen.ts';
import { COMMAND_MAX_BYTES } from '../../command-parts.ts';
import type { Analyst, Statement } from './analysis.ts';
import { arrayOf, type BoundValue, boundArray, boundLiteral, type DecodeText } from './bound.ts';
import { KnownSkeletons, type Looked, type LookedAt } from './known.ts';
import { fill, type ParameterOf, type Template } from './template.ts';

/** How the server reads texts now, by its last ParameterStatus. */
export interface Reading {
  /** client_encoding is UTF8. */
  readonly utf8: boolean;
  /** standard_conforming_strings is on: a backslash is one. */
  readonly standardStrings: boolean;
}

export interface SeenStatement {
  readonly command: SeenCommand | UnreadableCommand;
  /** It passes beside any contract that allows it. */
  readonly beside?: 'transactions' | 'settings';
  /** Null for RESET, and TO DEFAULT. */
  readonly sets?: { readonly setting: string; readonly value: string | null };
  /** COPY FROM STDIN or TO STDOUT. */
  readonly copies?: 'in' | 'out';
  /** Of the parse tree's root, such as `SelectStmt`. */
  readonly kind?: string;
}

/** The text of a Parse message. */
export interface PreparedStatement {
  /** There is no command in it. */
  readonly isEmpty: boolean;
  readonly beside?: SeenStatement['beside'];
  readonly sets?: SeenStatement['sets'];
  readonly copies?: SeenStatement['copies'];
  readonly kind?: string;
  /** The highest `$n`. */
  readonly parameters: number;
  /**
   * The command with the values of a Bind message. `described`: the OIDs of ParameterDescription, where the server has told them: a
   * binary value whose type is not declared cannot be read without.
   */
  bind(
    formats: readonly number[],
    values: readonly (Uint8Array | null)[],
    described?: readonly number[],
  ): SeenStatement;
}

type Later<T> = T | Promise<T>;

/**
 * Sees the commands of texts. One may serve all sessions of a process: it remembers skeletons, and no values. It never throws for
 * what a text is. Synchronous where the skeleton is known, or the analyst is.
 */
export class CommandReader {
  readonly #known: KnownSkeletons;

  constructor(analyst: Analyst) {
    this.#known = new KnownSkeletons(analyst);
  }

  /** Each command of a simple query, without its final zero. */
  query(text: Uint8Array, reading: Reading): Later<readonly SeenStatement[]> {
    const decoded = decodeCommand(text, reading);
    if ('why' in decoded) return [{ command: decoded }];
    return then(this.#known.look(decoded.text), (looked) => commandsOf(looked, decoded.text));
  }

  /** The text of a Parse message, with the OIDs that it declares. */
  prepare(text: Uint8Array, oids: readonly number[], reading: Reading): Later<PreparedStatement> {
    const decoded = decodeCommand(text, reading);
    if ('why' in decoded) return unpreparable(decoded);
    return then(this.#known.look(decoded.text), (looked) => preparedOf(looked, decoded.text, oids, reading));
  }

  /** As a recording has it: `values` are those of `$n`, decoded already; undefined where the text takes none. */
  see(text: string, values?: readonly (SeenLiteral | null)[]): Later<readonly SeenStatement[]> {
    const beyond = beyondCaps(text, Buffer.byteLength(text));
    if (beyond !== undefined) return [{ command: beyond }];
    return then(this.#known.look(text), (looked) => commandsOf(looked, text, values));
  }
}

function then<A, B>(value: Later<A>, work: (value: A) => B): Later<B> {
  return value instanceof Promise ? value.then((one) => work(one)) : work(value);
}

const SHOWN_CHARACTERS = 200;

function unreadableCommand(text: string, why: string): UnreadableCommand {
  return { text: text.slice(0, SHOWN_CHARACTERS).toWellFormed(), why };
}

function decodeCommand(
  bytes: Uint8Array,
  { utf8, standardStrings }: Reading,
): { text: string } | UnreadableCommand {
  if (bytes.length > COMMAND_MAX_BYTES) return tooLong(decode(bytes.subarray(0, SHOWN_CHARACTERS)));
  const text = decode(bytes);
  const beyond = beyondCaps(text, bytes.length);
  if (beyond !== undefined) return beyond;
  if (!utf8 && text.length !== bytes.length)
    return unreadableCommand(text, 'has letters beyond ASCII while client_encoding is not UTF8');
  if (!standardStrings && text.includes('\\'))
    return unreadableCommand(text, 'has a backslash while standard_conforming_strings is off');
  return { text };
}

function decode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}

/** A character that stands for bytes that are none could be any. */
function beyondCaps(text: string, bytes: number): UnreadableCommand | undefined {
  if (bytes > COMMAND_MAX_BYTES) return tooLong(text);
  return text.includes('\ufffd') || text.includes('\0') ? unreadableCommand(text, 'is not text') : undefined;
}

function tooLong(text: string): UnreadableCommand {
  return unreadableCommand(text, `is longer than ${COMMAND_MAX_BYTES >> 10} KiB`);
}

function commandsOf(
  looked: Looked,
  text: string,
  values?: readonly (SeenLiteral | null)[],
): readonly SeenStatement[] {
  if ('why' in looked) return [{ command: unreadableCommand(text, looked.why) }];
  if (values !== undefined && looked.templates.length > 1)
    return [{ command: unreadableCommand(text, SEVERAL) }];
  const parameterOf: ParameterOf = (number, asArray) => givenValue(values?.[number - 1], asArray);
  return looked.templates.map((template) => seen(template, looked, text, parameterOf));
}

function givenValue(given: SeenLiteral | null | undefined, asArray: boolean): SeenValue | undefined {
  if (given === null) return { kind: 'any', text: null };
  if (given === undefined || !asArray || given.text === null) return given;
  return arrayOf(given.text, given.kind);
}

const SEVERAL = 'is several commands, which cannot be prepared';

function seen(template: Template, looked: LookedAt, text: string, parameterOf: ParameterOf): SeenStatement {
  const { statement } = template;
  const command = fill(template, looked.literals, looked.trace, parameterOf);
  if (command === undefined)
    return { command: unreadableCommand(text, 'has a value that cannot be read'), ...factsOf(statement) };
  return statement.kind in QUERIES ? { command, kind: statement.kind } : { command, ...factsOf(statement) };
}

/** They have no other facts. */
const QUERIES = { SelectStmt: 1, InsertStmt: 1, UpdateStmt: 1, DeleteStmt: 1, MergeStmt: 1 };

function factsOf({ kind, beside, sets, copies }: Statement): Omit<SeenStatement, 'command'> {
  return { kind, ...(beside && { beside }), ...(sets && { sets }), ...(copies && { copies }) };
}

function unpreparable(command: UnreadableCommand): PreparedStatement {
  return { isEmpty: false, parameters: 0, bind: () => ({ command }) };
}

function preparedOf(
  looked: Looked,
  text: string,
  oids: readonly number[],
  reading: Reading,
): PreparedStatement {
  if ('why' in looked) return unpreparable(unreadableCommand(text, looked.why));
  const [template, another] = looked.templates;
  if (another !== undefined) return unpreparable(unreadableCommand(text, SEVERAL));
  if (template === undefined)
    return {
      isEmpty: true,
      parameters: 0,
      bind: () => ({ command: unreadableCommand(text, 'has no command') }),
    };
  const decodeText = textDecoder(reading);
  return {
    isEmpty: false,
    parameters: template.statement.parameters,
    ...factsOf(template.statement),
    bind: (formats, values, described) => {
      const parameterOf: ParameterOf = (number, asArray) => {
        const value = boundAt(number - 1, oids, formats, values, described);
        if (value === undefined) return undefined;
        return asArray ? boundArray(value, decodeText) : boundLiteral(value, decodeText);
      };
      return seen(template, looked, text, parameterOf);
    },
  };
}

/** One format for all, one for each, or none: text. */
function boundAt(
  at: number,
  oids: readonly number[],
  formats: readonly number[],
  values: readonly (Uint8Array | null)[],
  described: readonly number[] | undefined,
): BoundValue | undefined {
  const bytes = values[at];
  if (bytes === undefined) return undefined;
  const format = formats.length === 1 ? formats[0]! : (formats[at] ?? 0);
  return { declared: oids[at] ?? 0, described: described?.[at], format, bytes };
}

function textDecoder({ utf8 }: Reading): DecodeText {
  return (bytes) => {
    const text = decode(bytes);
    if (text.includes('\ufffd') || (!utf8 && text.length !== bytes.length)) return undefined;
    return text;
  };
}
