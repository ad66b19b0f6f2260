import type { Portal, Prepared } from './memory.ts';
import type { Operation } from './operations.ts';
import type { Command } from './sql/commands.ts';

/** What a Parse makes. */
export function preparedOf({ statement, load }: Operation, command: Command | undefined): Prepared {
  const { text, types = [] } = load ?? {};
  return { name: statement, text, declared: types, types, columns: undefined, command, shown: false };
}

/** What a Bind makes of the statement that it names. `doubt`: why it may have been another. */
export function portalOf(
  { portal, load, dropped }: Operation,
  prepared: Prepared | undefined,
  doubt: string | undefined,
): Portal {
  const { formats = [], values = [], resultFormats = [] } = load ?? {};
  const given = dropped ? undefined : values;
  return {
    name: portal,
    prepared,
    formats,
    values: given,
    resultFormats,
    columns: undefined,
    doubt,
  };
}
