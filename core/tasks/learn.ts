/** `custody workflow learn`: a workflow under which the sessions that are shown would have kept their contracts. */
import { type Document, isMap, isScalar, parseDocument, stringify, type YAMLMap } from 'yaml';
import { CustodyError } from '../errors.ts';
import { type LearnedCommand, type LearnedTask, type Range, rangeOf, tasksOf } from './learn/learned.ts';
import type { ObservedExecution, ObservedSession } from './learn/observe.ts';
import { type Origin, originOf, originText } from './learn/origins.ts';
import { growing, isFixed, termsOf, type WrittenTerms } from './learn/terms.ts';
import type { DeclaredCommand } from './schema.ts';
import { isReadable } from './seen.ts';
import type { CommandShapes } from './shapes.ts';

export interface LearnOptions {
  readonly workflow: string;
  /** Who may run its tasks: who reviews the text says it better. */
  readonly groups: readonly string[];
  readonly shapesAt: (target: string) => CommandShapes;
}

/**
 * The text of `workflows:`, to be reviewed: as narrow as what was seen. Sessions are in the order in which they were; those that did
 * the same are executions of one task. Throws `format-invalid` where there is nothing to learn from.
 */
export function learn(sessions: readonly ObservedSession[], options: LearnOptions): string {
  const tasks = tasksOf(sessions).filter(({ commands }) => commands.length > 0);
  if (tasks.length === 0)
    throw new CustodyError('format-invalid', 'these sessions have no command that a contract could have', {
      hint: 'name sessions in which the work was done, and succeeded',
    });
  const written = tasks.map((task, at) => writeTask(task, tasks.slice(0, at), options));
  const outputs = new Map<string, Origin[]>();
  for (const origin of written.flatMap(({ origins }) => origins))
    outputs.set(origin.task, [...(outputs.get(origin.task) ?? []), origin]);
  const workflow = {
    tasks: Object.fromEntries(
      written.map(({ name, task, contract }) => [
        name,
        { ...task, contract: { ...contract, ...outputsOf(outputs.get(name) ?? []) } },
      ]),
    ),
  };
  const text = stringify(
    { workflows: { [options.workflow]: workflow } },
    { lineWidth: 0, aliasDuplicateObjects: false },
  );
  return commented(text, options.workflow, tasks, written);
}

interface WrittenTask {
  readonly name: string;
  readonly task: object;
  readonly contract: object;
  readonly origins: readonly Origin[];
  readonly left: readonly string[];
}

/** As long as the longest was, four times, and a minute at least. */
const SLOWER = 4;
const SHORTEST_S = 60;

function writeTask(
  learned: LearnedTask,
  earlier: readonly LearnedTask[],
  options: LearnOptions,
): WrittenTask {
  const shapes = options.shapesAt(learned.target);
  const left: string[] = [...learned.left];
  const commands = learned.commands.flatMap((command) => {
    try {
      return [writeCommand(command, earlier, shapes)];
    } catch (error) {
      if (!(error instanceof CustodyError)) throw error;
      left.push(`left out: ${command.command.text}: ${error.message}`);
      return [];
    }
  });
  const origins = commands.flatMap((command) => command.origins);
  const sets = Object.fromEntries(
    [...learned.sets].map(([setting, values]) => [setting, { type: 'text', oneOf: [...values] }]),
  );
  const after = [...new Set(origins.map(({ task }) => task))];
  const seconds = Math.max(SHORTEST_S, Math.ceil((learned.longestMs * SLOWER) / 1000));
  return {
    name: learned.name,
    task: {
      target: learned.target,
      by: { groups: options.groups },
      ...(after.length > 0 && { after }),
      within: `${seconds}s`,
      ...(learned.sessions.length > 1 && { runs: learned.sessions.length }),
    },
    contract: {
      does: commands.map(({ written }) => written),
      ...(learned.sets.size > 0 && { sets }),
    },
    origins,
    left,
  };
}

function writeCommand(
  { name, command, executions, bySession, times }: LearnedCommand,
  earlier: readonly LearnedTask[],
  shapes: CommandShapes,
): { readonly written: object; readonly origins: readonly Origin[] } {
  const seen = bySession.map((all) =>
    all.flatMap(({ command: one }) => (isReadable(one) ? [one.values] : [])),
  );
  const placesBySession = command.values.map((_, at) => seen.map((all) => all.map((values) => values[at]!)));
  const places = placesBySession.map((all) => all.flat());
  const origins = places.map((values) => originOf(values, earlier));
  const open = places.map((values, at) => origins[at] !== undefined || !isFixed(values));
  const holes = open.flatMap((isOpen, at) => (isOpen ? [at] : []));
  const values: Record<string, WrittenTerms> = {};
  for (const [hole, at] of holes.entries()) {
    const origin = origins[at];
    values[`$${hole + 1}`] = termsOf(placesBySession[at]!, origin && originText(origin));
  }
  const written = {
    name,
    ...shapes.write({ ...command, values: seen.at(-1)!.at(-1)! }, open),
    ...(holes.length > 0 && { values }),
    times: rangeText(times),
    ...answersOf(executions, bySession),
  };
  // What a contract cannot have is said now, and not when it is read.
  shapes.declare(written as unknown as DeclaredCommand);
  return { written, origins: origins.filter((origin) => origin !== undefined) };
}

function rangeText({ min, max }: Range): number | Range {
  return min === max ? max : { min, max };
}

function answersOf(
  executions: readonly ObservedExecution[],
  bySession: LearnedCommand['bySession'],
): { readonly answers?: object } {
  const rowsBySession = bySession.map((all) => all.flatMap(({ answer }) => answer.rows ?? []));
  const rows = rowsBySession.flat();
  const affected = executions.flatMap(({ answer }) => answer.affected ?? []);
  const [columns, other] = new Set(executions.map(({ answer }) => JSON.stringify(answer.columns ?? [])));
  const names = executions[0]?.answer.columns ?? [];
  const answers = {
    ...(rows.length > 0 && {
      rows: growing(rowsBySession) ? { min: Math.min(...rows) } : rangeText(rangeOf(rows)),
    }),
    ...(affected.length > 0 && { affected: rangeText(rangeOf(affected)) }),
    ...(columns !== undefined && other === undefined && names.length > 0 && { columns: names }),
  };
  return Object.keys(answers).length === 0 ? {} : { answers };
}

function outputsOf(origins: readonly Origin[]): { readonly outputs?: object } {
  const outputs: Record<string, { of: string; columns: string[] }> = {};
  for (const { command, column } of origins) {
    outputs[command] ??= { of: command, columns: [] };
    const { columns } = outputs[command];
    if (!columns.includes(column)) columns.push(column);
  }
  return origins.length === 0 ? {} : { outputs };
}

/** The same text with what a reviewer has to know at its place. */
function commented(
  text: string,
  workflow: string,
  tasks: readonly LearnedTask[],
  written: readonly WrittenTask[],
): string {
  const document = parseDocument(text);
  const all = tasks.flatMap(({ sessions }) => sessions.map(({ id }) => id));
  document.commentBefore = [
    ` Learned from ${all.length === 1 ? 'the session' : 'the sessions'} ${all.join(', ')}.`,
    ' It allows what was seen there and nothing else: look at each range, list and number before it is used.',
  ].join('\n');
  for (const [at, { name, left }] of written.entries()) {
    const { sessions } = tasks[at]!;
    const lines = [
      `Seen in ${sessions.length === 1 ? 'one session' : `${sessions.length} sessions`}.`,
      ...left,
    ];
    comment(document, ['workflows', workflow, 'tasks'], name, lines);
    comment(document, ['workflows', workflow, 'tasks', name], 'by', [
      'Who may run it: nobody can learn that from what was done.',
    ]);
  }
  return document.toString({ lineWidth: 0 });
}

/** Before a member of a mapping. What was seen may have any character: a comment is one line. */
function comment(document: Document, path: readonly string[], name: string, lines: readonly string[]): void {
  const map = document.getIn(path);
  if (!isMap(map)) return;
  const key = keyOf(map, name);
  if (isScalar(key)) key.commentBefore = lines.map((line) => ` ${oneLine(line)}`).join('\n');
}

function keyOf(map: YAMLMap, name: string): unknown {
  return map.items.find(({ key }) => isScalar(key) && key.value === name)?.key;
}

function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
}
