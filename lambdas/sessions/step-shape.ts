/** A session's steps as the API answers them. */
import { z } from 'zod';
import { READERS } from '#core/replay/readers.ts';
import { count, sessionId } from '../shapes.ts';

/** Steps in one page at most, and where none is asked for. */
const STEPS_MAX = 1_000;
const STEPS = 200;

export const stepsQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(STEPS_MAX).default(STEPS),
  cursor: z.coerce.number().int().min(0).default(0).meta({ description: 'the `next` of the page before' }),
});

const stepShape = z
  .union([...READERS.values()].map(({ shape }) => shape))
  .meta({ id: 'Step', description: 'what a step says is its own of each protocol' });

export const stepsShape = z
  .object({
    session: sessionId,
    protocol: z.string().meta({ description: 'of the target: which steps these are' }),
    verdict: z.enum(['verified', 'incomplete', 'failed', 'unanchored']).meta({
      description: 'of the evidence that the steps are read from; incomplete: the session is live',
    }),
    findings: z
      .array(z.object({ code: z.string(), object: z.string(), message: z.string() }))
      .readonly()
      .meta({ description: 'what is wrong with the evidence, the first of it' }),
    completeness: z.string().optional().meta({ description: 'what may be missing' }),
    steps: z.array(stepShape).readonly(),
    next: count.optional(),
  })
  .meta({ id: 'Steps' });
