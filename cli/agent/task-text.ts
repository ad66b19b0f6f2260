/** What an agent is told: its task in words, and the same for programs. */

import { contractLines } from '../run/contract-words.ts';
import type { Run, RunTask } from '../runs-api.ts';

/** Markdown with one block of JSON. */
export function taskText(run: Run, task: RunTask, environment: readonly string[]): string {
  const { name, description, target, protocol, withinSeconds, handed = {}, inputs, does } = task;
  const machine = {
    run: run.id,
    workflow: run.workflow,
    task: name,
    target,
    protocol,
    does,
    inputs,
    handed,
    given: run.inputs ?? {},
    onDeviation: task.onDeviation,
    withinSeconds,
  };
  const given = Object.entries(run.inputs ?? {}).map(([input, value]) => `- ${input}: ${value ?? 'NULL'}`);
  return [
    `# ${run.workflow}/${name}`,
    '',
    ...(description === undefined ? [] : [description, '']),
    `You work as the task \`${name}\` of the run \`${run.id}\`, at \`${target}\` and nowhere else. All that you do is recorded.`,
    `Your environment has what clients need (${environment.join(', ')}): connect as usual, in one session.`,
    '',
    '## What you may do',
    '',
    ...contractLines(task),
    `- all of it within ${withinSeconds} s of your first command`,
    '',
    ...(given.length === 0 ? [] : ['## What the run was started with', '', ...given, '']),
    ...handedLines(handed),
    '## When something is refused',
    '',
    'The error has a stable code (`contract-deviation`, `task-refused`), says what the contract has in its place, and what to do',
    'next. Do not try the same again in other words: it is compared by what it does. Send what the contract has, or stop and say why.',
    '',
    '## The same for programs',
    '',
    '```json',
    JSON.stringify(machine, null, 2),
    '```',
    '',
  ].join('\n');
}

function handedLines(handed: NonNullable<RunTask['handed']>): string[] {
  const parts = Object.entries(handed).flatMap(([output, { columns, rows }]) => [
    `${output}: ${rows.length} rows of ${columns.join(', ')}`,
    '',
    ...rows.slice(0, ROWS_SHOWN).map((row) => `- ${row.map((cell) => cell ?? 'NULL').join(', ')}`),
    ...(rows.length > ROWS_SHOWN ? [`- and ${rows.length - ROWS_SHOWN} more, below`] : []),
    '',
  ]);
  return parts.length === 0 ? [] : ['## What earlier tasks put out for you', '', ...parts];
}

const ROWS_SHOWN = 20;
