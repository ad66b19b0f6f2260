/** What a rerun came to: where the answers of the sandbox were others than those of the recording. */
import { z } from 'zod';

const text = z.string();

/** What of an answer differs. */
export const differenceKinds = [
  'kind',
  'outcome',
  'error',
  'columns',
  'count',
  'row',
  'tag',
  'copy',
  'notice',
  'setting',
  'transaction',
  'output',
  'exit',
  'missing',
  'extra',
  'no-answer',
] as const;
export type DifferenceKind = (typeof differenceKinds)[number];

export const differenceSchema = z.object({
  session: text.optional().meta({ description: 'of a run: which of its sessions' }),
  step: z.int().min(0).meta({ description: 'of the recording, from 1; 0: of the rerun alone' }),
  kind: z.enum(differenceKinds),
  statement: text.optional(),
  row: z.int().min(1).optional().meta({ description: 'the first that differs, from 1' }),
  column: text.optional(),
  recorded: text.optional().meta({ description: 'the beginning of it' }),
  rerun: text.optional(),
  because: text.optional().meta({ description: 'of what was expected: the rule that allows it' }),
  perhaps: text.optional().meta({ description: 'what may explain it, and does not excuse it' }),
});
export type Difference = z.infer<typeof differenceSchema>;

export const rerunReportSchema = z.object({
  session: text,
  rerun: text.optional().meta({ description: 'the id of the session that the rerun is' }),
  against: text,
  sandbox: text.optional(),
  protocol: text,
  steps: z.int().min(0).meta({ description: 'answers that were compared' }),
  same: z.int().min(0).meta({ description: 'of those, the ones without a difference, also an expected one' }),
  differences: z.array(differenceSchema),
  expected: z.array(differenceSchema),
  leftOut: z
    .object({ differences: z.int().min(0), expected: z.int().min(0) })
    .optional()
    .meta({ description: 'found, and more than a report keeps' }),
  notReached: z.int().min(1).optional().meta({ description: 'steps that the rerun did not come to' }),
  until: z.int().min(1).optional(),
  incomplete: text.optional().meta({ description: 'why the recording, or the rerun, is not all of it' }),
});
export type RerunReport = z.infer<typeof rerunReportSchema>;

const KEPT_MAX = 1_000;

/** Collects differences as they are found. */
export class Findings {
  readonly #kept: { differences: Difference[]; expected: Difference[] } = { differences: [], expected: [] };
  readonly #leftOut = { differences: 0, expected: 0 };
  steps = 0;
  same = 0;

  /** One comparison: without `differences` it was the same. */
  compared(found: readonly Difference[]): void {
    this.steps++;
    if (found.length === 0) this.same++;
    for (const difference of found) this.add(difference);
  }

  add(difference: Difference): void {
    const where = difference.because === undefined ? 'differences' : 'expected';
    if (this.#kept[where].length < KEPT_MAX) this.#kept[where].push(difference);
    else this.#leftOut[where]++;
  }

  get isSame(): boolean {
    return this.#kept.differences.length === 0;
  }

  /** In the order of the recording; what only the rerun had comes last. */
  result(): Pick<RerunReport, 'steps' | 'same' | 'differences' | 'expected' | 'leftOut'> {
    const { steps, same } = this;
    const { differences, expected } = this.#leftOut;
    return {
      steps,
      same,
      differences: this.#kept.differences.toSorted(byStep),
      expected: this.#kept.expected.toSorted(byStep),
      ...(differences + expected > 0 && { leftOut: { differences, expected } }),
    };
  }
}

function byStep(one: Difference, other: Difference): number {
  return (one.step || Infinity) - (other.step || Infinity) || 0;
}
