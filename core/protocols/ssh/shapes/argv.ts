/** A command line as a program and its arguments, compared word by word. */
import { createHash } from 'node:crypto';
import type { SeenCommand, SeenLiteral, UnreadableCommand } from '#core/tasks/seen.ts';
import { COMMAND_MAX_BYTES } from '../../command-parts.ts';
import { commandWords } from '../files/command-words.ts';

/** `--name=value` are two words for whoever reads them, and one for whoever writes them. */
const OPTION = /^(--[A-Za-z0-9][\w-]*=)(.*)$/s;
const WORDS_MAX = 1_000;
const SHOWN_CHARACTERS = 200;

/** A word: what is part of the shape, and what may be open. */
export interface Part {
  /** The program's name, or an option's up to its `=`; empty for other words. */
  readonly fixed: string;
  /** Undefined of the program's name: nothing of it is open. */
  readonly value?: string;
}

/** Of a program's name and arguments. */
export function partsOf(words: readonly string[]): readonly Part[] {
  return words.map((word, at) => {
    if (at === 0) return { fixed: word };
    const [, fixed = '', value = word] = OPTION.exec(word) ?? [];
    return { fixed, value };
  });
}

/** SHA-256 over the program, the number of words, and the options that have their value with them. */
export function argvShape(parts: readonly Part[]): string {
  return createHash('sha256')
    .update(JSON.stringify(['argv', ...parts.map(({ fixed }) => fixed)]))
    .digest('hex');
}

/** With `$1`, `$2` … in place of what may be open. */
export function argvText(parts: readonly Part[]): string {
  let open = 0;
  return parts.map(({ fixed, value }) => (value === undefined ? fixed : `${fixed}$${(open += 1)}`)).join(' ');
}

export function valuesOf(parts: readonly Part[]): readonly SeenLiteral[] {
  return parts.flatMap(({ value }) => (value === undefined ? [] : [{ kind: 'any' as const, text: value }]));
}

/**
 * What a client asks to run. Unreadable where a shell would do anything besides running one program: several commands, variables,
 * substitutions, redirections, names of files for a pattern.
 */
export function seenCommandLine(command: string): SeenCommand | UnreadableCommand {
  const text = Array.from(command).slice(0, SHOWN_CHARACTERS).join('');
  if (Buffer.byteLength(command) > COMMAND_MAX_BYTES)
    return { text, why: `is longer than ${COMMAND_MAX_BYTES} bytes` };
  const words = commandWords(command);
  if (words === undefined || words.length > WORDS_MAX || words.some(({ expands }) => expands))
    return { text, why: 'is more to a shell than one program and its arguments' };
  const parts = partsOf(words.map((word) => word.text));
  return { shape: argvShape(parts), text: argvText(parts), values: valuesOf(parts) };
}

/** A shell, or a subsystem: what is done in it is no command that a contract could name. */
export function noCommand(start: 'shell' | 'subsystem'): UnreadableCommand {
  return {
    text: start,
    why: start === 'shell' ? 'is a shell, in which anything could run' : 'is a subsystem such as sftp',
  };
}

/** For a shell, quoted where it has to be. */
export function shellWord(word: string): string {
  return /^[\w@%+:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
