import { Command } from 'commander';
import { durationText } from '#core/access/duration.ts';
import { escapeTerminal } from '#core/replay/text.ts';
import { type Cli, print, printJson } from '../cli.ts';
import { connectApi } from '../connect-api.ts';
import { facts, listing } from '../listing.ts';
import { contractLines, termsText } from '../run/contract-words.ts';
import { getWorkflow, getWorkflows, type Workflow, type WorkflowTask } from '../runs-api.ts';
import { learnCommand, testCommand } from './workflow-sessions.ts';

interface ShowOptions {
  readonly json?: true;
}

export function workflowCommand(cli: Cli): Command {
  return new Command('workflow')
    .description('workflows: what their tasks may do')
    .addCommand(listCommand(cli))
    .addCommand(showCommand(cli))
    .addCommand(learnCommand(cli))
    .addCommand(testCommand(cli));
}

function listCommand(cli: Cli): Command {
  return new Command('list')
    .description('the workflows that you may start, work on or look at')
    .option('--json', 'as one line of JSON')
    .action(async ({ json }: ShowOptions) => {
      const workflows = await getWorkflows(await connectApi(cli));
      if (json) return printJson(cli, { workflows });
      await print(cli, listing(['WORKFLOW', 'TASKS', 'YOU MAY', 'DESCRIPTION'], workflows.map(row)));
    });
}

function row({ name, tasks, mayStart, description = '' }: Workflow): string[] {
  const mine = tasks.filter(({ mayRun }) => mayRun).map((task) => task.name);
  const may = [...(mayStart ? ['start it'] : []), ...(mine.length === 0 ? [] : [`run ${mine.join(', ')}`])];
  return [name, tasks.map((task) => task.name).join(', '), may.join('; '), description];
}

function showCommand(cli: Cli): Command {
  return new Command('show')
    .description('one workflow: its tasks, and what each may do')
    .argument('<name>')
    .option('--json', 'as one line of JSON')
    .action(async (name: string, { json }: ShowOptions) => {
      const workflow = await getWorkflow(await connectApi(cli), name);
      if (json) return printJson(cli, workflow);
      await print(cli, workflowLines(workflow).join('\n'));
    });
}

function workflowLines(workflow: Workflow): string[] {
  const { name, description, withinSeconds, digest, inputs, tasks } = workflow;
  const given = Object.entries(inputs).map(
    ([input, terms]) => `${input} (${termsText(terms as unknown as Parameters<typeof termsText>[0])})`,
  );
  return [
    ...facts({
      workflow: name,
      description,
      inputs: given.join(', '),
      within: durationText(withinSeconds * 1000),
      digest,
    }),
    ...tasks.flatMap(taskLines),
  ];
}

function taskLines(task: WorkflowTask): string[] {
  const { name, target, after, withinSeconds, runs, description = '' } = task;
  const head = [
    `at ${target}`,
    after.length === 0 ? '' : `after ${after.join(', ')}`,
    `within ${durationText(withinSeconds * 1000)}`,
    runs === 1 ? '' : `up to ${runs} times`,
  ].filter((part) => part !== '');
  return [
    '',
    `${name}  ${description}`.trimEnd(),
    `  ${head.join(', ')}`,
    ...contractLines(task).map((line) => `  ${line}`),
  ].map(escapeTerminal);
}
