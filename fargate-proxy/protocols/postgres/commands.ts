import type { CommandSight } from '#core/protocols/postgres/contract-sight.ts';

/** Sees commands in what clients send. Its parser is loaded when the first session wants it, and serves all of them. */
export function seeingCommands(): () => Promise<CommandSight> {
  let loading: Promise<CommandSight> | undefined;
  return () => (loading ??= load());
}

async function load(): Promise<CommandSight> {
  const [{ CommandReader }, { LocalAnalyst }, { Parser }] = await Promise.all([
    import('#core/protocols/postgres/shapes/commands.ts'),
    import('#core/protocols/postgres/shapes/analyse.ts'),
    import('#core/protocols/postgres/shapes/parser.ts'),
  ]);
  return new CommandReader(new LocalAnalyst(await Parser.load()));
}
