import { LocalAnalyst } from '#core/protocols/postgres/shapes/analyse.ts';
import { CommandReader, type Reading, type SeenStatement } from '#core/protocols/postgres/shapes/commands.ts';
import { Parser } from '#core/protocols/postgres/shapes/parser.ts';
import type { SeenCommand, SeenValue } from '#core/tasks/seen.ts';
import { isReadable } from '#core/tasks/seen.ts';

export const PLAIN: Reading = { utf8: true, standardStrings: true };

export async function localReader(): Promise<CommandReader> {
  return new CommandReader(new LocalAnalyst(await Parser.load()));
}

export function seenIn(reader: CommandReader, text: string, reading = PLAIN): readonly SeenStatement[] {
  const seen = reader.query(Buffer.from(text), reading);
  if (seen instanceof Promise) throw new Error('the analyst is of this thread');
  return seen;
}

/** The one command of a text. */
export function commandOf(reader: CommandReader, text: string, reading = PLAIN): SeenCommand {
  const [seen, another] = seenIn(reader, text, reading);
  if (seen === undefined || another !== undefined) throw new Error(`no single command: ${text}`);
  if (!isReadable(seen.command)) throw new Error(`${seen.command.why}: ${text}`);
  return seen.command;
}

export function whyNot(reader: CommandReader, text: string, reading = PLAIN): string | undefined {
  const [seen] = seenIn(reader, text, reading);
  return seen === undefined || isReadable(seen.command) ? undefined : seen.command.why;
}

/** `integer:5`, or a list of such. */
export function words(value: SeenValue): string | readonly string[] {
  return 'list' in value
    ? value.list.map((one) => words(one) as string)
    : `${value.kind}:${value.text ?? 'NULL'}`;
}
