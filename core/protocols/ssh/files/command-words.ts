/** The words of a command that every shell reads as one program and its arguments. */

/** What a shell acts on outside quotes, or may; at a word's beginning, or anywhere. */
const ACTS_FIRST = /[#=%]/;
const ACTS = /[;&|<>()$`{}!^\p{Cc}]/u;
/** What a shell puts names of files in place of. */
const GLOB = /[*?[\]]/;
/** Within double quotes. */
const QUOTED_ACTS = /[$`\\!\0]/;
/** After a backslash within double quotes it is itself. */
const ESCAPED = /[$`"\\]/;

export interface CommandWord {
  readonly text: string;
  /** A shell puts something else in its place: names of files (`*`), or of somebody's home (`~`). */
  readonly expands: boolean;
}

/**
 * `undefined` where a shell does anything besides running one program: variables, substitutions, redirections, several commands, or
 * what shells differ about. In quotes, or behind a backslash, they are letters as others.
 */
export function commandWords(command: string): readonly CommandWord[] | undefined {
  const words: CommandWord[] = [];
  for (let at = spaces(command, 0); at < command.length; at = spaces(command, at)) {
    const word = readWord(command, at);
    if (word === undefined) return undefined;
    words.push({ text: word.text, expands: word.expands });
    at = word.end;
  }
  return words.length === 0 ? undefined : words;
}

function spaces(command: string, from: number): number {
  let at = from;
  while (command[at] === ' ' || command[at] === '\t') at += 1;
  return at;
}

interface Word extends CommandWord {
  readonly end: number;
}

function readWord(command: string, from: number): Word | undefined {
  let text = '';
  let expands = false;
  let at = from;
  while (at < command.length && command[at] !== ' ' && command[at] !== '\t') {
    const part = readPart(command, at, at === from);
    if (part === undefined) return undefined;
    text += part.text;
    expands ||= part.expands;
    at = part.end;
  }
  return { text, expands, end: at };
}

function readPart(command: string, at: number, first: boolean): Word | undefined {
  const letter = command[at]!;
  if (letter === "'") return singleQuoted(command, at + 1);
  if (letter === '"') return doubleQuoted(command, at + 1);
  if (letter === '\\') {
    const next = command[at + 1];
    return next === undefined || next === '\n' ? undefined : { text: next, expands: false, end: at + 2 };
  }
  if (ACTS.test(letter) || (first && ACTS_FIRST.test(letter))) return undefined;
  return { text: letter, expands: GLOB.test(letter) || (first && letter === '~'), end: at + 1 };
}

function singleQuoted(command: string, from: number): Word | undefined {
  const end = command.indexOf("'", from);
  return end < 0 ? undefined : { text: command.slice(from, end), expands: false, end: end + 1 };
}

function doubleQuoted(command: string, from: number): Word | undefined {
  let text = '';
  for (let at = from; at < command.length; at += 1) {
    const letter = command[at]!;
    if (letter === '"') return { text, expands: false, end: at + 1 };
    if (letter === '\\' && ESCAPED.test(command[at + 1] ?? '')) {
      at += 1;
      text += command[at]!;
    } else if (QUOTED_ACTS.test(letter)) return undefined;
    else text += letter;
  }
  return undefined;
}
