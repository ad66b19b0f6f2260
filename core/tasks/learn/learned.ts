/** What a contract would be under which sessions did what they did. */
import { isReadable, type SeenCommand } from '../seen.ts';
import type { ObservedExecution, ObservedSession } from './observe.ts';

/** All executions of one shape in the sessions of one task. */
export interface LearnedCommand {
  readonly name: string;
  readonly command: SeenCommand;
  readonly executions: readonly ObservedExecution[];
  /** The same, by sessions that have some, in the order in which they were. */
  readonly bySession: readonly (readonly ObservedExecution[])[];
  /** How often it ran in each session. */
  readonly times: Range;
}

export interface Range {
  readonly min: number;
  readonly max: number;
}

export interface LearnedTask {
  readonly name: string;
  readonly target: string;
  readonly sessions: readonly ObservedSession[];
  readonly commands: readonly LearnedCommand[];
  /** Values that were set, by settings. */
  readonly sets: ReadonlyMap<string, ReadonlySet<string>>;
  /** What cannot be in a contract, in words for whoever reviews it. */
  readonly left: readonly string[];
  /** It ends with the rest of the session, and comes back no more. */
  readonly longestMs: number;
}

/** Sessions of one target that did the same, or some of the same, are executions of one task; in the order in which they are given. */
export function tasksOf(sessions: readonly ObservedSession[]): readonly LearnedTask[] {
  const groups: ObservedSession[][] = [];
  for (const session of sessions) {
    const group = groups.find(([first]) => first?.target === session.target && isAlike(first, session));
    if (group === undefined) groups.push([session]);
    else group.push(session);
  }
  const names = new Names();
  return groups.map((group) => taskOf(group, names));
}

function isAlike(one: ObservedSession, other: ObservedSession): boolean {
  const [shapes, others] = [shapesOf(one), shapesOf(other)];
  return isWithin(shapes, others) || isWithin(others, shapes);
}

/** Whether all of some values are among others. */
export function isWithin<T>(values: ReadonlySet<T>, others: ReadonlySet<T>): boolean {
  return values.size <= others.size && [...values].every((value) => others.has(value));
}

function shapesOf({ executions }: ObservedSession): Set<string> {
  return new Set(
    executions.flatMap((one) => (counts(one) && isReadable(one.command) ? [one.command.shape] : [])),
  );
}

/** What passes beside a contract is no command of it, and neither is what was not done. */
function counts({ beside, undoes, sets, goesOnWith, answer }: ObservedExecution): boolean {
  const isBeside = beside !== undefined || undoes === true || sets !== undefined || goesOnWith !== undefined;
  return !isBeside && answer.outcome === 'completed' && answer.undone !== true;
}

function taskOf(sessions: readonly ObservedSession[], names: Names): LearnedTask {
  const byShape = new Map<string, { command: SeenCommand; executions: ObservedExecution[] }>();
  for (const execution of sessions.flatMap(({ executions }) => executions)) {
    const { command } = execution;
    if (!counts(execution) || !isReadable(command)) continue;
    const found = byShape.get(command.shape) ?? { command, executions: [] };
    byShape.set(command.shape, found);
    found.executions.push(execution);
  }
  const inTask = new Names();
  const commands = [...byShape].map(([shape, found]) => ({
    ...found,
    name: inTask.of(found.command.text),
    bySession: sessions.map((session) => of(shape, session)).filter(({ length }) => length > 0),
    times: rangeOf(sessions.map((session) => of(shape, session).length)),
  }));
  return {
    name: names.of(commands[0]?.command.text ?? 'task'),
    target: sessions[0]!.target,
    sessions,
    commands,
    sets: settingsOf(sessions),
    left: [...new Set(sessions.flatMap(({ executions }) => executions.flatMap(leftOut)))],
    longestMs: Math.max(0, ...sessions.map(durationMs)),
  };
}

function of(shape: string, { executions }: ObservedSession): readonly ObservedExecution[] {
  return executions.filter((one) => counts(one) && isReadable(one.command) && one.command.shape === shape);
}

function durationMs({ executions }: ObservedSession): number {
  const [first, last] = [executions[0], executions.at(-1)];
  return first === undefined || last === undefined ? 0 : (last.at - first.at) / 1000 + last.answer.tookMs;
}

export function rangeOf(numbers: readonly number[]): Range {
  return { min: Math.min(...numbers), max: Math.max(...numbers) };
}

function settingsOf(sessions: readonly ObservedSession[]): LearnedTask['sets'] {
  const found = new Map<string, Set<string>>();
  for (const { beside, sets } of sessions.flatMap(({ executions }) => executions)) {
    if (beside !== undefined || typeof sets?.value !== 'string') continue;
    found.set(sets.setting, (found.get(sets.setting) ?? new Set()).add(sets.value));
  }
  return found;
}

const SHOWN_CHARACTERS = 100;

function leftOut(execution: ObservedExecution): readonly string[] {
  const { command, answer } = execution;
  const text = command.text.slice(0, SHOWN_CHARACTERS);
  if (!isReadable(command)) return [`left out, as it ${command.why}: ${text}`];
  if (answer.outcome === 'completed') return [];
  return [`left out once, as it was ${answer.outcome}: ${text}`];
}

/** Names that are made of commands' first words, each once. */
export class Names {
  readonly #given = new Set<string>();

  of(text: string): string {
    const words = text.toLowerCase().match(/[a-z][a-z0-9_]*/g) ?? [];
    const subject = words.find((word, at) => SUBJECT_AFTER.has(words[at - 1] ?? '') && !NO_SUBJECT.has(word));
    const base = [words[0] ?? 'command', ...(subject === undefined ? [] : [subject])].join('-').slice(0, 50);
    let name = base;
    for (let number = 2; this.#given.has(name); number += 1) name = `${base}-${number}`;
    this.#given.add(name);
    return name;
  }
}

const SUBJECT_AFTER = new Set(['from', 'into', 'update', 'join', 'copy', 'table', 'call']);
const NO_SUBJECT = new Set(['only', 'select', 'lateral', 'stdin', 'set']);
