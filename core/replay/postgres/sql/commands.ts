import { type Effect, effectOf } from './effect.ts';
import { runsHidden } from './hidden.ts';
import { isSymbol, isWord, type Token, tokensOf } from './tokens.ts';

/** One command of an SQL text. */
export interface Command {
  readonly start: number;
  readonly end: number;
  /** Its first word, in lower case; empty when it begins with none. */
  readonly verb: string;
  /** What it does to names and transactions. */
  readonly effect: Effect | undefined;
  /** It may run SQL that is not in its text: a function's, a procedure's, a block's. */
  readonly hidden: boolean;
  /** It may change settings. */
  readonly sets: boolean;
}

const SETS = /^(?:set|reset|discard|alter|do|call)$/;

/** The commands of a text of `scannable`, as the server takes it apart; those that are empty are none. */
export function commandsOf(sql: string, standardStrings: boolean): Command[] {
  const commands: Command[] = [];
  for (const tokens of splitCommands(tokensOf(sql, standardStrings))) commands.push(commandOf(tokens));
  return commands;
}

function commandOf(tokens: readonly Token[]): Command {
  const effect = effectOf(tokens);
  const hidden = runsHidden(tokens, effect);
  const verb = verbOf(tokens);
  return {
    start: tokens[0]!.start,
    end: tokens.at(-1)!.end,
    verb,
    effect,
    hidden,
    sets: hidden || SETS.test(verb) || tokens.some((token) => isWord(token, 'set_config')),
  };
}

/** `((select 1) union …)` is a SELECT. */
function verbOf(tokens: readonly Token[]): string {
  const first = tokens.find(({ text }) => text !== '(');
  return first?.kind === 'word' ? first.text : '';
}

/** Semicolons in parentheses (CREATE RULE) and in the BEGIN ATOMIC body of a routine end no command. */
function* splitCommands(tokens: Iterable<Token>): Generator<Token[]> {
  let command: Token[] = [];
  let parentheses = 0;
  let blocks = 0;
  for (const token of tokens) {
    if (token.kind === 'symbol') parentheses += depthOf(token.text);
    if (isSymbol(token, ';') && parentheses <= 0 && blocks === 0) {
      if (command.length > 0) yield command;
      command = [];
      parentheses = 0;
      continue;
    }
    blocks += blocksOf(token, command, blocks);
    command.push(token);
  }
  if (command.length > 0) yield command;
}

function depthOf(symbol: string): number {
  if (symbol === '(') return 1;
  return symbol === ')' ? -1 : 0;
}

/** How many blocks a word of a routine's body opens, or closes. */
function blocksOf({ kind, text }: Token, before: readonly Token[], blocks: number): number {
  if (kind !== 'word' || !['atomic', 'case', 'end'].includes(text)) return 0;
  if (text === 'atomic') return isRoutine(before) && isWord(before.at(-1), 'begin') ? 1 : 0;
  if (blocks === 0) return 0;
  return text === 'case' ? 1 : -1;
}

function isRoutine(tokens: readonly Token[]): boolean {
  const words = tokens.slice(0, 4);
  return (
    isWord(words[0], 'create') && words.some((one) => isWord(one, 'function') || isWord(one, 'procedure'))
  );
}
