/** A run for a terminal: a line for each task, and what left their contracts. */
import { nameOf } from '#core/access/person.ts';
import { escapeTerminal } from '#core/replay/text.ts';
import { type Cli, print, printJson } from '../cli.ts';
import { counted, facts, listing } from '../listing.ts';
import type { Execution, Run, RunTask } from '../runs-api.ts';

export async function showRun(cli: Cli, run: Run, json: boolean): Promise<void> {
  if (json) return printJson(cli, run);
  await print(cli, [...facts(described(run)), '', picture(run), ...deviations(run)].join('\n'));
}

function described({ id, workflow, state, startedBy, startedAt, until, ended, inputs = {}, ...run }: Run) {
  const given = Object.entries(inputs).map(([name, value]) => `${name}=${value ?? 'NULL'}`);
  return {
    run: id,
    workflow,
    state,
    started: `${startedAt} by ${nameOf(startedBy)}`,
    until: state === 'running' ? until : undefined,
    ended: ended && `${ended.at} by ${nameOf(ended.by)}${ended.comment ? ` (${ended.comment})` : ''}`,
    inputs: given.join(', '),
    note: run.isCurrent ? undefined : 'the workflow was changed since: no task begins any more',
    trace: run.trace,
  };
}

function picture({ tasks }: Run): string {
  return listing(['', 'TASK', 'STATE', 'AT', 'SESSION', ''], tasks.map(row));
}

const MARKS: Readonly<Record<RunTask['state'], string>> = {
  waiting: '·',
  ready: '○',
  running: '▶',
  kept: '✓',
  deviated: '✗',
};

function row(task: RunTask): string[] {
  const { name, state, target, executions } = task;
  return [MARKS[state], name, state, target, executions.at(-1)?.session ?? '', remark(task)];
}

function remark({ state, waitsFor, executions, mayRun, stopped }: RunTask): string {
  const said = [
    state === 'waiting' ? `after ${waitsFor.join(', ')}` : '',
    state === 'ready' && mayRun ? 'you may run it' : '',
    executions.length > 1 ? `${executions.length} sessions` : '',
    stopped.length > 0 ? `${stopped.length} stopped before it began` : '',
    ...executions.flatMap(({ detail }) => outputsText(detail)),
  ];
  return said.filter((one) => one !== '').join('; ');
}

function outputsText(detail: Execution['detail']): string[] {
  return (detail?.outputs ?? []).map(({ name, rows, bytes = 0 }) =>
    rows === undefined ? `${name}: ${counted(bytes, 'byte')}` : `${name}: ${counted(rows, 'row')}`,
  );
}

/** Each with its session, so that it can be looked at. */
function deviations({ tasks }: Run): string[] {
  const lines = tasks.flatMap((task) => [
    ...task.stopped.map(({ session, kind, how }) => `${task.name}  ${how}: ${kind}  custody play ${session}`),
    ...task.executions.flatMap((one) => deviationLines(task.name, one)),
  ]);
  return lines.length === 0
    ? []
    : ['', 'left the contract:', ...lines.map((line) => `  ${escapeTerminal(line)}`)];
}

export function deviationLines(task: string, { session, detail, deviation }: Execution): string[] {
  if (detail === undefined)
    return deviation === undefined
      ? []
      : [`${task}  ${deviation.how}: ${deviation.kind}  custody play ${session}`];
  return detail.deviations.map(
    ({ how, seen, expected }) =>
      `${task}  ${how}: ${seen}; the contract has ${expected}  custody play ${session}`,
  );
}
