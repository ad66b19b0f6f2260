/**
 * What a session came to, counted from its evidence alone: the same evidence gives the same summary. Every line names the step that
 * it rests on.
 */
import { z } from 'zod';

const count = z.int().min(0);
const step = z.int().min(1).meta({ description: 'the first step that it is about' });

const touched = z.object({
  name: z.string(),
  read: count.meta({ description: 'commands that read it' }),
  written: count.meta({ description: 'commands that wrote it, or may have' }),
  failed: count.meta({ description: 'commands that would have read or written it, and failed' }),
  step,
});

export const summarySchema = z.object({
  type: z.literal('custody/summary/1'),
  session: z.string(),
  person: z.string().meta({ description: 'e-mail address or subject' }),
  target: z.string(),
  login: z.string().optional(),
  startedAt: z.string(),
  endedAt: z.string().optional(),
  reason: z.string().optional(),
  client: z.object({ address: z.string(), application: z.string().optional() }),
  grant: z.object({ rule: z.string(), request: z.string().optional() }),
  task: z.object({ run: z.string(), workflow: z.string(), name: z.string() }).optional(),
  steps: count,
  errors: z.object({
    count,
    step: step.optional(),
    codes: z.array(z.object({ code: z.string(), count, step })).readonly(),
  }),
  writes: z.object({ count, step: step.optional() }),
  /** Rows that came back, and rows that were written; the largest answer. */
  rows: z.object({
    out: count,
    written: count,
    largest: z.object({ rows: count, step }).optional(),
  }),
  bytes: z.object({ sent: count, received: count }),
  relations: z.array(touched).readonly(),
  files: z.array(touched.extend({ bytes: count })).readonly(),
  /** Commands by their shape, the most frequent first. */
  shapes: z.array(z.object({ shape: z.string(), count, step })).readonly(),
  deviations: z.array(z.object({ kind: z.string(), how: z.string(), step })).readonly(),
  /** The step that took longest. Microseconds. */
  slowest: z.object({ took: z.number(), step }).optional(),
  /** Names and shapes that were too many to be kept here; they are in the steps. */
  leftOut: z.object({ codes: count, relations: count, files: count, shapes: count, deviations: count }),
});
export type SessionSummary = z.infer<typeof summarySchema>;
export type TouchedCount = SessionSummary['relations'][number];
