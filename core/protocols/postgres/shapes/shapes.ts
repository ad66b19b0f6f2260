import type { CommandShapes } from '#core/tasks/shapes.ts';
import { maySet } from '../meaning.ts';
import { LocalAnalyst } from './analyse.ts';
import { CommandReader } from './commands.ts';
import { declare, invalid } from './declare.ts';
import { loadParser } from './parser.ts';
import { render } from './render.ts';
import { isUnreadable } from './unreadable.ts';
import { write } from './write.ts';

/** The shapes of SQL. Resolves once the parser is loaded. */
export async function loadPostgresShapes(): Promise<CommandShapes> {
  const parser = await loadParser();
  const analyst = new LocalAnalyst(parser);
  return {
    declare: (command) => declare(analyst, command),
    maySet,
    render: (command, values) => readable(() => render(parser, analyst, command, values)),
    write: (seen, open) => readable(() => write(parser, analyst, seen, open)),
    executions: executionsOf(new CommandReader(analyst)),
  };
}

/** What reads recordings is loaded with the first: whoever reads a configuration has none. */
function executionsOf(source: CommandReader): CommandShapes['executions'] {
  return async function* executions(frames, take) {
    const { postgresExecutions } = await import('./executions.ts');
    yield* postgresExecutions(source)(frames, take);
  };
}

function readable<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw isUnreadable(error) ? invalid(`the statement ${error.why}`) : error;
  }
}
