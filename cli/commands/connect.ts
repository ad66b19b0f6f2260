import { Command } from 'commander';
import type { Cli } from '../cli.ts';
import type { Wishes } from '../clients/kit.ts';
import { kitOf } from '../clients/kits.ts';
import { connectApi } from '../connect-api.ts';
import { knownTarget } from '../known-target.ts';
import { TASK_OPTIONS_HELP, type TaskOptions, withTask } from '../run/task-wishes.ts';
import { runClient } from '../run-client.ts';

export function connectCommand(cli: Cli): Command {
  return new Command('connect')
    .description('run a client of a target: custody connect orders-db -- psql')
    .argument('<target>')
    .argument('[command...]', 'the client and its arguments (default: psql, ssh or kubectl)')
    .option('--reason <text>', 'why, where the gateway may have to ask reviewers (before the target)')
    .option('--ticket <id>', 'where it is written down')
    .option('--run <run>', TASK_OPTIONS_HELP.run)
    .option('--task <name>', TASK_OPTIONS_HELP.task)
    .passThroughOptions()
    .action((target: string, command: readonly string[], wishes: Wishes & TaskOptions) =>
      connect(cli, target, command, wishes),
    );
}

/** Commander leaves the `--` in what it passes through. */
async function connect(
  cli: Cli,
  name: string,
  given: readonly string[],
  options: Wishes & TaskOptions,
): Promise<void> {
  const wanted = given[0] === '--' ? given.slice(1) : given;
  const api = await connectApi(cli);
  const target = await knownTarget(api, name);
  const kit = kitOf(target);
  const wishes = await withTask(cli, api, name, options);
  const command = wanted.length === 0 ? [kit.usual] : wanted;
  cli.exitWith(await runClient(cli, await kit.prepare(cli, api, target, command, wishes), hintFor(command)));
}

function hintFor([file = '']: readonly string[]): string {
  return file.startsWith('-')
    ? 'an option of connect stands before the target: custody connect --reason … orders-db -- psql'
    : 'give the client after --, such as: custody connect orders-db -- psql, or custody connect prod -- kubectl get pods';
}
