import type { DeclaredCommand } from '#core/tasks/schema.ts';
import type { SeenCommand, SeenLiteral, SeenValue } from '#core/tasks/seen.ts';
import { type LocalAnalyst, rewrite } from './analyse.ts';
import { invalid } from './declare.ts';
import type { Parser } from './parser.ts';

/** The statement that allows this command, with open places for the values that `open` names. Throws `format-invalid`. */
export function write(
  parser: Parser,
  analyst: LocalAnalyst,
  { shape, text, values }: SeenCommand,
  open: readonly boolean[],
): Pick<DeclaredCommand, 'statement'> {
  let holes = 0;
  const statement = rewrite(parser, text, (at) =>
    open[at] === true ? `$${(holes += 1)}` : valueText(values[at]!),
  );
  const analysis = analyst.analyse(statement);
  const written = 'why' in analysis ? undefined : analysis.statements[0]?.shape;
  if (written !== shape) throw invalid('this command cannot be written as one of a contract');
  return { statement };
}

function valueText(value: SeenValue): string {
  return 'list' in value ? value.list.map(literalText).join(', ') : literalText(value);
}

/** A bind value is none that a text has: it can only be an open place. */
function literalText({ kind, text }: SeenLiteral): string {
  if (text === null) return 'NULL';
  if (kind === 'text') return `'${text.replaceAll("'", "''")}'`;
  if (kind === 'integer' || kind === 'number' || kind === 'boolean') return text;
  throw invalid('a bind value is an open place: a contract fixes it by oneOf');
}
