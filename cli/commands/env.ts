import { Command, Option } from 'commander';
import { type Cli, print, printJson } from '../cli.ts';
import type { Wishes } from '../clients/kit.ts';
import { kitOf } from '../clients/kits.ts';
import { connectApi } from '../connect-api.ts';
import { knownTarget } from '../known-target.ts';
import { TASK_OPTIONS_HELP, type TaskOptions, targetOfTask, withTask } from '../run/task-wishes.ts';
import { shellLines, shells } from '../shells.ts';

interface EnvOptions extends Wishes, TaskOptions {
  readonly shell: string;
  readonly json?: true;
}

const NOTES = `
With fish: custody env orders-db --shell fish | source
With --libpq, psql, pg_dump and what else is built on libpq notice within 30 seconds that the gateway's machine has vanished.
Drivers of another make (pgx, lib/pq) do not work with PGSERVICE. custody connect tells them apart by itself.`;

export function envCommand(cli: Cli): Command {
  return new Command('env')
    .description(
      'what a client needs in its environment, the token among it: eval "$(custody env orders-db)"',
    )
    .argument('[target]', 'may be left out with --run and --task')
    .option('--reason <text>', 'why, where the gateway may have to ask reviewers')
    .option('--ticket <id>', 'where it is written down')
    .option('--run <run>', TASK_OPTIONS_HELP.run)
    .option('--task <name>', TASK_OPTIONS_HELP.task)
    .addOption(
      new Option('--shell <name>', 'for this kind of shell').choices(Object.keys(shells)).default('sh'),
    )
    .option('--libpq', 'for libpq alone: with PGSERVICE, which notices a gateway that vanished')
    .option('--json', 'as one line of JSON')
    .addHelpText('after', NOTES)
    .action((target: string | undefined, options: EnvOptions) => env(cli, target, options));
}

async function env(
  cli: Cli,
  given: string | undefined,
  { shell, json, ...options }: EnvOptions,
): Promise<void> {
  const api = await connectApi(cli);
  const name = given ?? (await targetOfTask(api, options));
  const wishes = await withTask(cli, api, name, options);
  const target = await knownTarget(api, name);
  const variables = await kitOf(target).env(cli, api, target, wishes);
  if (json) return printJson(cli, variables);
  await print(cli, shellLines(shells[shell]!, variables).join('\n'));
}
