import type { Deviation, DeviationKind } from './deviation.ts';
import type { DeclaredCommand } from './schema.ts';
import type { SeenAnswer } from './seen.ts';

/** The kinds of deviations that are about what came back: the command itself has run by then. */
export const OF_ANSWERS: ReadonlySet<unknown> = new Set<DeviationKind>([
  'rows',
  'affected',
  'columns',
  'error',
  'slow',
]);

type Expected = DeclaredCommand['answers'];

/** What of an answer is not as it was expected. `isWhole`: no more of it comes; before that, only what is too much already is said. */
export function answerDeviations(
  command: string,
  expected: Expected,
  answer: SeenAnswer,
  isWhole: boolean,
): readonly Deviation[] {
  const of = { command };
  const found: Deviation[] = [];
  if (isWhole && answer.outcome === 'failed' && expected.error === 'none')
    found.push({
      ...of,
      kind: 'error',
      expected: `${command} without an error`,
      seen: `it failed (${answer.error ?? 'for no reason that is known'})`,
    });
  if (expected.within !== undefined && answer.tookMs > expected.within)
    found.push({
      ...of,
      kind: 'slow',
      expected: `${command} answered within ${expected.within} ms`,
      seen: `it took longer`,
    });
  if (answer.outcome !== 'completed' && isWhole) return found;
  const rows = counted(command, 'rows', expected.rows, answer.rows ?? 0, isWhole);
  if (rows !== undefined) found.push(rows);
  const affected = isWhole
    ? counted(command, 'affected', expected.affected, answer.affected ?? 0, isWhole)
    : undefined;
  if (affected !== undefined) found.push(affected);
  const { columns } = expected;
  if (
    columns !== undefined &&
    answer.columns !== undefined &&
    columns.join('\0') !== answer.columns.join('\0')
  )
    found.push({
      ...of,
      kind: 'columns',
      expected: `of ${command} the columns ${columns.join(', ')}`,
      seen: 'other columns came',
    });
  return found;
}

const WORDS = { rows: 'rows', affected: 'rows changed' } as const;

function counted(
  command: string,
  kind: 'rows' | 'affected',
  range: { readonly min: number; readonly max?: number | undefined } | undefined,
  seen: number,
  isWhole: boolean,
): Deviation | undefined {
  if (range === undefined) return undefined;
  const { min, max } = range;
  const isTooMany = max !== undefined && seen > max;
  if (!isTooMany && !(isWhole && seen < min)) return undefined;
  const expected = `of ${command} ${between(min, max)} ${WORDS[kind]}`;
  return {
    kind,
    command,
    expected,
    seen: cameText(kind, isTooMany && !isWhole ? `more than ${max}` : `${seen}`),
  };
}

function cameText(kind: keyof typeof WORDS, count: string): string {
  return kind === 'rows' ? `${count} came` : `it changed ${count}`;
}

function between(min: number, max: number | undefined): string {
  if (max === undefined) return `at least ${min}`;
  return min === max ? `${min}` : `${min} to ${max}`;
}
