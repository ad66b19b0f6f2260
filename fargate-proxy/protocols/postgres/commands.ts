import type { CommandSight } from '#core/protocols/postgres/contract-sight.ts';
import { CommandReader } from '#core/protocols/postgres/shapes/commands.ts';
import { ThreadAnalyst } from './thread-analyst.ts';

/** Sees commands in what clients send, for all sessions. What it does not know yet it looks at in a thread, which begins when it is needed. */
export function seeingCommands(): () => Promise<CommandSight> {
  let sight: CommandSight | undefined;
  return async () => (sight ??= new CommandReader(new ThreadAnalyst()));
}
