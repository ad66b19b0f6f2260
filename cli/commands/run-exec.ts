import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import { CustodyError } from '#core/errors.ts';
import { escapeTerminal } from '#core/replay/text.ts';
import { type Done, execute, type Planned } from '#core/tasks/exec/execute.ts';
import { type Given, timesOf } from '#core/tasks/exec/times.ts';
import { type Cli, print, printJson, say } from '../cli.ts';
import { kitOf, protocolNameOf } from '../clients/kits.ts';
import { connectApi } from '../connect-api.ts';
import { knownTarget } from '../known-target.ts';
import { counted, listing } from '../listing.ts';
import { awaitResult, OUTCOME_CODES, type Outcome, sayOutcome } from '../run/await-result.ts';
import { readRows, readValue } from '../run/exec-values.ts';
import { knownRun, RUN_HELP, taskOf } from '../run/known-run.ts';
import { wishOf } from '../run/task-wishes.ts';
import type { Run, RunTask } from '../runs-api.ts';

interface ExecOptions {
  readonly value?: Given['values'];
  readonly values?: Given['rows'];
  readonly each?: true;
  readonly json?: true;
}

/** Of an answer; all of it is in the recording. */
const ROWS_SHOWN = 50;

const NOTES = `
Values with a place of origin are taken from there: an input of the run, or what an earlier task put out and its contract keeps.
Those that are missing are asked for at a terminal. A command without open places runs as often as it has to.
${OUTCOME_CODES}`;

export function runExecCommand(cli: Cli): Command {
  return new Command('exec')
    .description("run the contract's own commands, in order: custody run exec refunds find")
    .argument('<run>', RUN_HELP)
    .argument('<task>')
    .option('--value <$1=value>', "for an open place; 'command.$1=value': of one command", readValue)
    .option(
      '--values <json>',
      'rows of values by command, or @file with them: {"pay-back": [{"$1": "4"}]}',
      readRows,
    )
    .option('--each', 'run a command once for each row that an earlier task put out for it')
    .option('--json', 'as one line of JSON')
    .addHelpText('after', NOTES)
    .action((run: string, task: string, options: ExecOptions) => runExec(cli, run, task, options));
}

async function runExec(cli: Cli, called: string, name: string, options: ExecOptions): Promise<void> {
  const api = await connectApi(cli);
  const run = await knownRun(api, called);
  const task = taskOf(run, name);
  const plan = await planOf(cli, run, task, options);
  const target = await knownTarget(api, task.target);
  const executor = await kitOf(target).open(cli, api, target, { as: wishOf(cli, run, task) });
  const report = options.json ? async (): Promise<void> => undefined : (done: Done) => show(cli, done);
  let all: readonly Done[];
  try {
    all = await execute(plan, protocolNameOf(target), executor, report);
  } finally {
    await executor.end();
  }
  const failed = all.at(-1)?.error;
  if (failed !== undefined && !options.json) {
    say(cli, `custody: ${failed.message}`);
    if (failed.hint !== undefined) say(cli, `hint: ${failed.hint}`);
  }
  const outcome = await awaitResult(cli, api, run, name);
  if (options.json) await printJson(cli, jsonOf(outcome, name, all));
  sayOutcome(cli, name, outcome, failed === undefined ? exitOf(all) : 1);
}

async function planOf(
  cli: Cli,
  run: Run,
  task: RunTask,
  { value: values = {}, values: rows = {}, each }: ExecOptions,
): Promise<readonly Planned[]> {
  const unknown = Object.keys(rows).find((name) => task.does.every((command) => command.name !== name));
  if (unknown !== undefined)
    throw new CustodyError('format-invalid', `${task.name} has no command ${unknown}`, {
      hint: `there are: ${task.does.map(({ name }) => name).join(', ')}`,
    });
  const given = { values, rows, each: each === true, ask: asker(cli) };
  const plan: Planned[] = [];
  for (const command of task.does)
    for (const one of await timesOf(command, task, run, given)) plan.push({ command, values: one });
  return plan;
}

/** Only where somebody is there to answer. */
function asker({ stdin, stderr }: Cli): Given['ask'] {
  if (!('isTTY' in stdin) || stdin.isTTY !== true) return undefined;
  return async (question) => {
    const lines = createInterface({ input: stdin, output: stderr });
    try {
      return await lines.question(question);
    } finally {
      lines.close();
    }
  };
}

async function show(cli: Cli, { command, values, answer }: Done): Promise<void> {
  if (answer === undefined) return;
  const given = Object.entries(values).map(([hole, value]) => ` ${hole}=${String(value)}`);
  const { columns, rows, affected } = answer;
  const what = affected === undefined ? '' : `  ${counted(affected, 'row')} changed`;
  await print(cli, escapeTerminal(`${command}${given.join('')}${what}`));
  if (columns === undefined || rows === undefined) return;
  await print(
    cli,
    listing(
      columns,
      rows.slice(0, ROWS_SHOWN).map((row) => row.map((cell) => cell ?? 'NULL')),
    ),
  );
  if (rows.length > ROWS_SHOWN) say(cli, `note: ${rows.length - ROWS_SHOWN} more rows are in the recording`);
}

/** Of programs: the first that did not succeed. */
function exitOf(all: readonly Done[]): number {
  return all.map(({ answer }) => answer?.exitCode ?? 0).find((code) => code !== 0) ?? 0;
}

function jsonOf({ run, execution, stopped }: Outcome, task: string, all: readonly Done[]): object {
  const commands = all.map(({ command, values, answer = {}, error }) => ({
    command,
    values,
    ...answer,
    ...(error === undefined ? {} : { error: { message: error.message, hint: error.hint } }),
  }));
  return {
    run: run.id,
    task,
    commands,
    ...(execution === undefined ? {} : { execution }),
    ...(stopped && { stopped }),
  };
}
