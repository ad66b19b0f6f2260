import { CustodyError } from '#core/errors.ts';
import type { SeenCommand } from '#core/tasks/seen.ts';
import type { CommandShapes, DeclaredShape, GivenValues } from '#core/tasks/shapes.ts';
import { argvShape, argvText, type Part, partsOf, seenCommandLine, shellWord, valuesOf } from './argv.ts';
import { sshExecutions } from './executions.ts';

const HOLE = /^\$[1-9]\d?$/;

/** The shapes of command lines: a program with so many arguments, each of which is open or fixed. */
export const sshShapes: CommandShapes = {
  declare: ({ argv }) => declared(argv!),
  render: ({ argv }, values) => ({ command: rendered(argv!, values) }),
  write: (seen, open) => ({ argv: written(seen, open) }),
  executions: sshExecutions,
};

function declared(argv: readonly string[]): DeclaredShape {
  const parts = partsOf(argv);
  const [{ fixed: program }] = parts as [Part];
  if (program.startsWith('$')) throw invalid('the program itself is never open');
  const written = parts.map(({ fixed, value }) => (value === undefined ? fixed : `${fixed}${value}`));
  const line = written.map(shellWord).join(' ');
  const seen = seenCommandLine(line);
  if (!('shape' in seen)) throw invalid(`the command ${seen.why}`);
  const places = valuesOf(parts).map((value) =>
    HOLE.test(value.text!) ? { hole: value.text! } : { constant: value },
  );
  const twice = places.findIndex((place, at) => 'hole' in place && holeAt(places, place.hole) < at);
  if (twice >= 0) throw invalid('an open word stands at one place alone: give the second its own number');
  return { shape: argvShape(parts), text: argvText(parts), places };
}

function holeAt(places: DeclaredShape['places'], hole: string): number {
  return places.findIndex((place) => 'hole' in place && place.hole === hole);
}

function rendered(argv: readonly string[], values: GivenValues): string {
  const parts = partsOf(argv);
  return parts
    .map(({ fixed, value }) => shellWord(value === undefined ? fixed : fixed + filled(value, values)))
    .join(' ');
}

function filled(value: string, values: GivenValues): string {
  if (!HOLE.test(value)) return value;
  const given = values.get(value);
  if (typeof given === 'string' && !given.includes('\0')) return given;
  throw invalid(`${value} needs a value: a word of a command line`);
}

/** The text has `$n` for each value, so that each is put back or left open. */
function written({ text, values }: SeenCommand, open: readonly boolean[]): string[] {
  let [at, hole] = [-1, 0];
  return text.split(' ').map((word) => {
    const [, option = ''] = /^(--[A-Za-z0-9][\w-]*=)?\$\d+$/.exec(word) ?? [undefined, undefined];
    if (!/\$\d+$/.test(word)) return word;
    at += 1;
    if (open[at] === true) return `${option}$${(hole += 1)}`;
    const value = values[at]!;
    if ('list' in value || value.text === null || HOLE.test(value.text))
      throw invalid(`the word ${at + 1} cannot be written into a contract`);
    return option + value.text;
  });
}

function invalid(message: string): CustodyError {
  return new CustodyError('format-invalid', message);
}
