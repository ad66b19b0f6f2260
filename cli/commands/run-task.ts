import { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { kitOf } from '../clients/kits.ts';
import { connectApi } from '../connect-api.ts';
import { knownTarget } from '../known-target.ts';
import { awaitResult, OUTCOME_CODES, sayOutcome } from '../run/await-result.ts';
import { knownRun, RUN_HELP, taskOf } from '../run/known-run.ts';
import { wishOf } from '../run/task-wishes.ts';
import { runClient } from '../run-client.ts';

const HINT = 'give the client after --, such as: custody run task refunds find -- psql';

export function runTaskCommand(cli: Cli): Command {
  return new Command('task')
    .description('run any client as a task of a run: custody run task refunds find -- psql')
    .argument('<run>', RUN_HELP)
    .argument('<task>')
    .argument('[command...]', 'the client and its arguments (default: psql, ssh or kubectl)')
    .option('--no-wait', 'do not wait until the result is derived')
    .addHelpText('after', OUTCOME_CODES)
    .passThroughOptions()
    .action((run: string, task: string, command: readonly string[], { wait }: { readonly wait: boolean }) =>
      runTask(cli, run, task, command, wait),
    );
}

/** Commander leaves the `--` in what it passes through. */
async function runTask(
  cli: Cli,
  called: string,
  name: string,
  given: readonly string[],
  wait: boolean,
): Promise<void> {
  const wanted = given[0] === '--' ? given.slice(1) : given;
  const api = await connectApi(cli);
  const run = await knownRun(api, called);
  const task = taskOf(run, name);
  const target = await knownTarget(api, task.target);
  const kit = kitOf(target);
  const command = wanted.length === 0 ? [kit.usual] : wanted;
  const prepared = await kit.prepare(cli, api, target, command, { as: wishOf(cli, run, task) });
  const code = await runClient(cli, prepared, HINT);
  cli.exitWith(code);
  // The token may have run out while the client was at work.
  if (wait) sayOutcome(cli, name, await awaitResult(cli, await connectApi(cli), run, name), code);
}
