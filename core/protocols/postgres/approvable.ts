import { CustodyError } from '#core/errors.ts';
import { harmless } from './harmless.ts';
import { LEAVES_MEANING } from './meaning.ts';
import { commandsOf } from './split.ts';

/**
 * Throws `format-invalid` for a command whose approval could not hold: one that reads data from the client, which no approval
 * names, and one that changes what the texts of the others mean.
 */
export function refuseUnapprovable(texts: readonly string[]): void {
  for (const [at, text] of texts.entries()) {
    const problem = problemOf(text);
    if (problem === undefined) continue;
    throw new CustodyError('format-invalid', `command ${at + 1} cannot be approved: ${problem.why}`, {
      hint: problem.hint,
    });
  }
}

/** True for a COPY that takes its data from the client; STDOUT says the same there as STDIN. */
export function copiesFromClient(text: string): boolean {
  return commandsOf(text).some(copies);
}

function problemOf(text: string): { readonly why: string; readonly hint: string } | undefined {
  const commands = commandsOf(text);
  if (commands.some(copies))
    return {
      why: 'the data of a COPY FROM STDIN is not part of the text',
      hint: 'put the rows into an INSERT, or ask for access that is not bound to commands',
    };
  if (harmless(text) !== undefined) return undefined;
  if (commands.some(changesMeaning))
    return {
      why: 'it changes settings that say what the other texts mean',
      hint: "name tables with their schema; a target's `exact` says how texts are read",
    };
  return undefined;
}

function copies(words: readonly string[]): boolean {
  if (words[0] !== 'COPY') return false;
  return words.some((word, at) => word === 'FROM' && /^STD(?:IN|OUT)$/.test(words[at + 1] ?? ''));
}

function changesMeaning([first, ...rest]: readonly string[]): boolean {
  if (first === 'DISCARD') return rest[0] === 'ALL';
  if (first !== 'SET' && first !== 'RESET') return false;
  const name = ['SESSION', 'LOCAL'].includes(rest[0] ?? '') ? rest[1] : rest[0];
  return !LEAVES_MEANING.has((name ?? '').toLowerCase());
}
