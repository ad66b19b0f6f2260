import type { CommandSight } from '#core/protocols/postgres/contract-sight.ts';

/** Sees commands in what clients send. Its parser's thread starts when the first command wants it, and serves all sessions. */
export function seeingCommands(): () => Promise<CommandSight> {
  let loading: Promise<CommandSight> | undefined;
  return () => (loading ??= load());
}

async function load(): Promise<CommandSight> {
  const [{ CommandReader }, { ThreadAnalyst }] = await Promise.all([
    import('#core/protocols/postgres/shapes/commands.ts'),
    import('./thread-analyst.ts'),
  ]);
  return new CommandReader(new ThreadAnalyst());
}
