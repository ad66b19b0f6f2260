/** What psql would not pass on as it was sent, but act on itself: on the machine of whoever runs the script. */
import type { Parser } from '#core/protocols/postgres/shapes/parser.ts';
import { isUnreadable } from '#core/protocols/postgres/shapes/unreadable.ts';

/** Names in quotes, constants and comments: in these psql and the server read a backslash alike. */
const QUOTED = new Set([258, 259, 261, 262, 263, 264, 275, 276]);
const COLON = 58;
const BACKSLASH = 0x5c;
const VARIABLE = /:[A-Za-z_"'{]/;

/**
 * Why a statement may be another to psql, or undefined: a backslash outside of quotes begins a command of psql's own, such as one for
 * the shell, and `:name` is a variable of its. `standardStrings`: how the server read it.
 */
export function psqlDoubt(text: string, standardStrings: boolean, parser: Parser): string | undefined {
  if (/standard_conforming_strings/i.test(text)) return 'psql would read what follows in another way';
  const hasBackslash = text.includes('\\');
  if (!hasBackslash && !VARIABLE.test(text)) return undefined;
  if (hasBackslash && !standardStrings) return 'its backslashes are read in a way that no script has';
  const parsed = parser.parse(text);
  if (isUnreadable(parsed)) return 'it is too large for a look at what psql would make of it';
  const bytes = Buffer.from(text);
  const outside = Buffer.from(bytes);
  for (const { start, end, type } of parsed.tokens) if (QUOTED.has(type)) outside.fill(0x20, start, end);
  if (outside.includes(BACKSLASH)) return 'psql would take a part of it for a command of its own';
  const isVariable = parsed.tokens.some(
    ({ type, start }) => type === COLON && VARIABLE.test(bytes.toString('latin1', start, start + 2)),
  );
  return isVariable ? 'psql would take a part of it for a variable of its own' : undefined;
}

/** Data behind a line that ends it would be read as commands. */
export function endsEarly(data: Buffer): boolean {
  return /(?:^|\n)\\\.\r?\n(?=[^])/.test(data.toString('latin1'));
}
