/** step.ts as JSON. */
import { z } from 'zod';
import type { JsonStep } from '../reader.ts';
import { base, count, shown, undecoded } from '../shape-parts.ts';
import type { Outcome, Step, StepKind } from './step.ts';

const KINDS = [
  'login',
  'query',
  'prepare',
  'execute',
  'function-call',
  'copy-in',
  'copy-out',
  'copy-both',
  'unmatched',
  'notification',
  'notice',
  'error',
  'cancel',
  'note',
  'damaged',
  'end',
] as const satisfies readonly StepKind[];

const OUTCOMES = [
  'completed',
  'failed',
  'suspended',
  'empty',
  'skipped',
  'unfinished',
] as const satisfies readonly Outcome[];

const values = z.array(shown.nullable()).readonly();

const report = z.object({
  severity: z.string(),
  sqlstate: z.string(),
  message: z.string(),
  detail: z.string().optional(),
  hint: z.string().optional(),
  position: z.string().optional(),
  where: z.string().optional(),
  cut: z
    .record(z.string(), count)
    .optional()
    .meta({
      description: 'of those that are not whole here: how many bytes they have, by their names',
      example: { detail: 1_000_000 },
    }),
  undecoded,
});

const login = z.object({
  user: z.string(),
  database: z.string(),
  application: z.string().optional(),
  protocol: z.string(),
  authentication: z.array(z.string()).readonly(),
  settings: z.record(z.string(), z.string()),
  undecoded,
});

const copy = z.object({ format: z.enum(['text', 'binary']), messages: count, bytes: count, sample: shown });

export const postgresStepShape = z
  .object({
    kind: z.enum(KINDS),
    ...base,
    outcome: z.enum(OUTCOMES).optional(),
    statement: shown.optional(),
    runs: shown.optional().meta({
      description:
        'what a name in the statement stood for: of EXECUTE the prepared statement, of FETCH the query of the cursor',
    }),
    doubt: z.string().optional().meta({
      description:
        'why statement or runs may not be what ran, or values are missing: where this is, do not rely on them',
    }),
    name: z.string().optional().meta({ description: 'of the prepared statement' }),
    undecoded,
    part: count.optional().meta({ description: "which of a query's statements, from 1" }),
    values: values.optional().meta({ description: 'bind values; null is NULL' }),
    columns: z
      .array(z.object({ name: z.string(), type: count, undecoded }))
      .readonly()
      .optional(),
    rows: z.array(values).readonly().optional().meta({ description: 'the first rows; null is NULL' }),
    rowCount: count.optional().meta({ description: 'all rows' }),
    tag: z.string().optional().meta({ example: 'INSERT 0 1' }),
    copy: copy.optional(),
    error: report.optional(),
    transaction: z.enum(['open', 'failed']).optional().meta({
      description: 'the transaction that it came to, as the last ReadyForQuery before it says',
    }),
    notices: z.array(report).readonly().optional(),
    noticesLeftOut: count.optional().meta({ description: 'notices that came and are not shown' }),
    login: login.optional(),
    notification: z.object({ channel: z.string(), payload: shown, processId: z.int(), undecoded }).optional(),
    bytes: z.object({ client: count, server: count }).optional(),
  })
  .meta({ id: 'PostgresStep' });

/** A step as JSON has it. */
export function postgresStepJson({ login: seen, ...step }: Step): z.input<typeof postgresStepShape> {
  return seen === undefined
    ? step
    : { ...step, login: { ...seen, settings: Object.fromEntries(seen.settings) } };
}

/** What `postgresStepJson` was of. */
export function postgresStepOf(json: JsonStep): Step {
  const { login: seen, ...step } = json as z.infer<typeof postgresStepShape>;
  const known = step as Step;
  return seen === undefined
    ? known
    : {
        ...known,
        login: { ...seen, settings: new Map(Object.entries(seen.settings)) } as NonNullable<Step['login']>,
      };
}
