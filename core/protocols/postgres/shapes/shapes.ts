import type { CommandShapes } from '#core/tasks/shapes.ts';
import { LocalAnalyst } from './analyse.ts';
import { declare } from './declare.ts';
import { Parser } from './parser.ts';
import { maySet } from '../meaning.ts';
import { isUnreadable } from './unreadable.ts';
import { invalid } from './declare.ts';
import { CommandReader } from './commands.ts';
import { postgresExecutions } from './executions.ts';
import { render } from './render.ts';
import { write } from './write.ts';

/** The shapes of SQL. Resolves once the parser is loaded. */
export async function loadPostgresShapes(): Promise<CommandShapes> {
  const parser = await Parser.load();
  const analyst = new LocalAnalyst(parser);
  return {
    declare: (command) => declare(analyst, command),
    maySet,
    render: (command, values) => readable(() => render(parser, analyst, command, values)),
    write: (seen, open) => readable(() => write(parser, analyst, seen, open)),
    executions: postgresExecutions(new CommandReader(analyst)),
  };
}

function readable<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw isUnreadable(error) ? invalid(`the statement ${error.why}`) : error;
  }
}
