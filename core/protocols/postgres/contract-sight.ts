/** What of `shapes/` a session that is a task goes by. */
import type { CommandReader } from './shapes/commands.ts';

export type { PreparedStatement, SeenStatement } from './shapes/commands.ts';

/** How what a client sends is seen as commands. It neither throws nor rejects for what a text is. */
export type CommandSight = Pick<CommandReader, 'query' | 'prepare'>;
