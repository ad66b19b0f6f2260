import { createHash } from 'node:crypto';
import { CustodyError } from '../errors.ts';
import type { NamedStatement } from './request.ts';

const STATEMENTS_MAX = 100;
const TEXT_MAX_BYTES = 64 << 10;
const SPACE = ' \t\n\v\f\r';
const END = `${SPACE};`;

/**
 * A command without what its ends may differ by: white space at both, and the semicolons that end it. Nothing inside it is
 * changed. A loop and no regular expression: a text that is all semicolons must not cost its square.
 */
export function bareStatement(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && SPACE.includes(text[from]!)) from += 1;
  while (to > from && END.includes(text[to - 1]!)) to -= 1;
  return text.slice(from, to);
}

/** SHA-256, in lower-case hexadecimal, of the UTF-8 of the bare command: what an approval names. */
export function statementHash(text: string): string {
  return createHash('sha256').update(bareStatement(text)).digest('hex');
}

/** Commands by their hashes. Throws `format-invalid` for what no client could send, and for more than people can review. */
export function nameStatements(texts: readonly string[]): readonly NamedStatement[] {
  if (texts.length > STATEMENTS_MAX)
    throw invalid(`at most ${STATEMENTS_MAX} commands can be approved at once`);
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (bytes > TEXT_MAX_BYTES) throw invalid(`the commands are longer than ${TEXT_MAX_BYTES} bytes in all`);
  return texts.map((text, at) => {
    if (bareStatement(text) === '') throw invalid(`command ${at + 1} is empty`);
    if (text.includes('\0') || !text.isWellFormed())
      throw invalid(`command ${at + 1} is not text that can be sent`);
    return { sha256: statementHash(text), text };
  });
}

function invalid(message: string): CustodyError {
  return new CustodyError('format-invalid', message, { hint: 'name each command that is to run' });
}
