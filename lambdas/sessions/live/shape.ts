/** A running session as the API tells it: server-sent events. */
import { z } from 'zod';
import { count } from '../../shapes.ts';
import { stepShape } from '../step-shape.ts';

export const liveQuery = z.strictObject({
  from: z.enum(['start', 'now']).default('start').meta({ description: 'of steps, or of terminal output' }),
  view: z
    .enum(['steps', 'terminal'])
    .default('steps')
    .meta({ description: 'terminal: what one showed, where there are any' }),
  channel: z.coerce
    .number()
    .int()
    .min(0)
    .optional()
    .meta({ description: 'of view=terminal; else the first' }),
  text: z.coerce.number().int().min(20).max(1_000).optional().meta({
    description: 'with each step, how a person reads it in as many columns',
  }),
});
export type LiveQuery = z.infer<typeof liveQuery>;

/** `event: step`. */
const stepEvent = z.object({
  n: count.meta({ description: 'the number of the step, from 1; also the event’s id' }),
  step: stepShape,
  text: z.string().optional(),
});

/** `event: terminal`. Bytes as they were, in base64: whoever shows them makes them safe. */
const terminalEvent = z.object({
  n: count,
  kind: z.enum(['start', 'output', 'input', 'resize', 'exit']),
  at: count.meta({ description: 'microseconds since the session’s start' }),
  bytes: z.base64().optional(),
  columns: count.optional(),
  rows: count.optional(),
  isTerminal: z.boolean().optional(),
  status: z.int().optional(),
});

/** `event: lag`: how far what is shown is behind. */
const lagEvent = z.object({
  state: z.enum(['open', 'closed', 'recovered']).meta({ description: 'of the session' }),
  n: count.meta({ description: 'how many steps there were so far' }),
  shownUntil: z.iso
    .datetime()
    .optional()
    .meta({ description: 'the time of the last durable frame that was read' }),
  behindMs: count.optional().meta({ description: 'how long ago that is' }),
});

/** `event: end`, the last one. `of: watch`: the session may go on, and this caller may look on no longer. */
const endEvent = z.object({
  of: z.enum(['session', 'watch']),
  reason: z.string(),
  verdict: z.enum(['verified', 'incomplete', 'failed']).optional(),
  message: z.string().optional(),
  endedAt: z.iso.datetime().optional(),
});

export const liveShape = z
  .union([stepEvent, terminalEvent, lagEvent, endEvent])
  .meta({ id: 'LiveEvent', description: 'the data of `step`, `terminal`, `lag` and `end`' });

/** As it arrives. */
export type LiveStep = z.output<typeof stepEvent>;

export type LiveEvent =
  | { readonly event: 'step'; readonly id: number; readonly data: z.input<typeof stepEvent> }
  | { readonly event: 'terminal'; readonly id: number; readonly data: z.input<typeof terminalEvent> }
  | { readonly event: 'lag'; readonly id?: number | undefined; readonly data: z.input<typeof lagEvent> }
  | { readonly event: 'end'; readonly data: z.input<typeof endEvent> };
