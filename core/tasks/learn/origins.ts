import type { SeenValue } from '../seen.ts';
import { isWithin, type LearnedCommand, type LearnedTask } from './learned.ts';
import { literalsOf } from './terms.ts';

/** A column of what a task before gave back. */
export interface Origin {
  readonly task: string;
  readonly command: string;
  readonly column: string;
}

/** `task.output.column`: what a contract calls it. The output has the name of its command. */
export function originText({ task, command, column }: Origin): string {
  return `${task}.${command}.${column}`;
}

/** Too few values, and too common ones, are in a column by chance. */
const DIFFERENT_MIN = 2;
const COMMON = /^(?:-?\d{1,2}|t|f|true|false|)$/;
/** A column's name that an origin can have. */
const NAMEABLE = /^[^.]{1,63}$/;

/** Where all values of a place came from, as far as the earlier tasks of these sessions can say; the last of them that fits. */
export function originOf(values: readonly SeenValue[], earlier: readonly LearnedTask[]): Origin | undefined {
  const texts = new Set(literalsOf(values).flatMap(({ text }) => (text === null ? [] : [text])));
  const isTelling = texts.size >= DIFFERENT_MIN || [...texts].some((text) => !COMMON.test(text));
  if (texts.size === 0 || !isTelling) return undefined;
  return earlier
    .flatMap(({ name, commands }) => commands.flatMap((command) => columnsOf(name, command)))
    .findLast(({ values: returned }) => isWithin(texts, returned))?.origin;
}

function columnsOf(task: string, { name, executions }: LearnedCommand) {
  const all = new Map<string, Set<string>>();
  for (const { returned } of executions)
    for (const [column, values] of returned ?? [])
      all.set(column, new Set([...(all.get(column) ?? []), ...values]));
  return [...all]
    .filter(([column]) => NAMEABLE.test(column))
    .map(([column, values]) => ({ origin: { task, command: name, column }, values }));
}
