import { randomUUID } from 'node:crypto';
import { Command } from 'commander';
import { nameOf } from '#core/access/person.ts';
import type { Cli } from '../cli.ts';
import { connectApi } from '../connect-api.ts';
import { type Paging, printPages, readLimit } from '../paging.ts';
import { type GivenInputs, readInput } from '../run/given-inputs.ts';
import { knownRun, RUN_HELP } from '../run/known-run.ts';
import { showRun } from '../run/show-run.ts';
import { TRACEPARENT } from '../run/task-wishes.ts';
import { endRun, getRun, type Run, type RunSummary, runPages, startRun } from '../runs-api.ts';
import { requireSessionId } from '../session-id.ts';
import { readDuration, WAIT_MS, waitUntil } from '../wait.ts';
import { runExecCommand } from './run-exec.ts';
import { runExportCommand } from './run-export.ts';
import { runTaskCommand } from './run-task.ts';
import { runVerifyCommand } from './run-verify.ts';

const DEVIATED = 3;
const STILL_RUNNING = 4;

const WAIT_CODES = `
Exit codes: 0 (with --wait: every task kept its contract), 1 an error, 2 a wrong option,
3 with --wait: a task left its contract, or the run was ended or is over, 4 with --wait: its time is over and it still runs.`;

export function runCommand(cli: Cli): Command {
  return new Command('run')
    .description('runs of workflows: start one, work on its tasks, look at it')
    .enablePositionalOptions()
    .addCommand(startCommand(cli))
    .addCommand(runTaskCommand(cli))
    .addCommand(runExecCommand(cli))
    .addCommand(showCommand(cli))
    .addCommand(listCommand(cli))
    .addCommand(endCommand(cli))
    .addCommand(runExportCommand(cli))
    .addCommand(runVerifyCommand(cli));
}

interface StartOptions {
  readonly input?: GivenInputs;
  readonly trace?: string;
  readonly idempotencyKey?: string;
  readonly json?: true;
}

function startCommand(cli: Cli): Command {
  return new Command('start')
    .description('start a run of a workflow: custody run start refunds')
    .argument('<workflow>')
    .option('--input <name=value>', 'what the run takes; name=@file: the content of a file', readInput)
    .option('--trace <traceparent>', 'of whoever orchestrates it (W3C); TRACEPARENT when not given')
    .option('--idempotency-key <key>', 'the same key makes one run, however often this is run')
    .option('--json', 'as one line of JSON')
    .action(async (workflow: string, options: StartOptions) => {
      const { input: inputs = {}, json, idempotencyKey = randomUUID() } = options;
      const trace = options.trace ?? traceOf(cli);
      const body = { workflow, inputs, ...(trace === undefined ? {} : { trace }) };
      await showRun(cli, await startRun(await connectApi(cli), body, idempotencyKey), json === true);
    });
}

function traceOf({ env }: Cli): string | undefined {
  const trace = env['TRACEPARENT'];
  return trace !== undefined && TRACEPARENT.test(trace) ? trace : undefined;
}

interface ShowOptions {
  readonly wait?: number | true;
  readonly json?: true;
}

function showCommand(cli: Cli): Command {
  return new Command('show')
    .description('one run: its tasks with what they came to, and what left their contracts')
    .argument('<run>', RUN_HELP)
    .option(
      '--wait [time]',
      'until nothing of it runs any more: it is done, left a contract, or is over',
      readDuration,
    )
    .option('--json', 'as one line of JSON')
    .addHelpText('after', WAIT_CODES)
    .action(async (called: string, { wait, json }: ShowOptions) => {
      const api = await connectApi(cli);
      const found = await knownRun(api, called);
      if (wait === undefined) return showRun(cli, found, json === true);
      const ms = wait === true ? WAIT_MS : wait;
      const run = await waitUntil(cli, ms, () => getRun(api, found.id), isSettled);
      await showRun(cli, run, json === true);
      cli.exitWith(exitCodeOf(run));
    });
}

/** Nothing more comes by itself. */
function isSettled(run: Run): boolean {
  if (run.tasks.some(({ state }) => state === 'running')) return false;
  return run.state !== 'running' || run.tasks.some(({ state }) => state === 'deviated');
}

function exitCodeOf(run: Run): number {
  if (run.state === 'done') return 0;
  return isSettled(run) ? DEVIATED : STILL_RUNNING;
}

interface ListOptions extends Paging {
  readonly workflow?: string;
  readonly json?: true;
}

function listCommand(cli: Cli): Command {
  return new Command('list')
    .description('the runs that you may see, newest first')
    .option('--workflow <name>', 'of one workflow')
    .option('--limit <n>', 'how many at most, or all', readLimit, 20)
    .option('--cursor <id>', 'only those older than this run', requireSessionId)
    .option('--json', 'as one line of JSON')
    .action(async ({ workflow, limit, cursor, json }: ListOptions) => {
      const pages = runPages(await connectApi(cli), { workflow }, { limit, cursor });
      await printPages(cli, pages, LISTED, json === true);
    });
}

const LISTED = {
  name: 'runs',
  headings: ['RUN', 'STARTED', 'WHO', 'WORKFLOW', 'STATE', 'TASKS'],
  row: ({ id, startedAt, startedBy, workflow, state, tasks }: RunSummary): string[] => [
    id,
    startedAt.replace(/\.\d+Z$/, 'Z'),
    nameOf(startedBy),
    workflow,
    state,
    tasks.map((task) => `${task.name} ${task.state}`).join(', '),
  ],
};

interface EndOptions {
  readonly comment?: string;
  readonly json?: true;
}

function endCommand(cli: Cli): Command {
  return new Command('end')
    .description('end a run: no task of it begins any more')
    .argument('<run>', RUN_HELP)
    .option('--comment <text>', 'why')
    .option('--json', 'as one line of JSON')
    .action(async (called: string, { comment, json }: EndOptions) => {
      const api = await connectApi(cli);
      const { id } = await knownRun(api, called);
      await showRun(cli, await endRun(api, id, comment), json === true);
    });
}
