/** What the API of sandboxes takes and answers. */
import { z } from 'zod';
import { sandboxStates } from '#core/sandboxes/sandbox.ts';
import { person, sessionId, targetName, time } from '../shapes.ts';

export const sandboxId = z
  .uuid()
  .lowercase()
  .meta({ description: 'UUID version 7', example: '019ad029-1c00-7a61-9f43-0b9a7c1d2e3f' });

export const sandboxBody = z.strictObject({
  target: targetName.meta({ example: 'sandbox-db', description: 'one with sandbox: { from: … }' }),
  session: sessionId.optional().meta({ description: 'the session that it is for' }),
  at: z
    .union([z.enum(['session', 'now']), z.iso.datetime({ offset: true })])
    .optional()
    .meta({
      description:
        'when its data is of: before the session, now, or a time (without session); what the target says when not given',
    }),
  durationSeconds: z
    .int()
    .min(60)
    .max(7 * 86_400)
    .optional()
    .meta({ description: 'removed then; at most, and when not given, as long as the target says' }),
});

export const sandboxShape = z
  .object({
    id: sandboxId,
    target: targetName,
    from: targetName.meta({ description: 'the target whose data it has' }),
    at: time.meta({ description: 'the data is as it was then' }),
    session: sessionId.optional(),
    by: person,
    state: z.enum(sandboxStates),
    createdAt: time,
    readyAt: time.optional(),
    until: time,
    problem: z
      .object({ message: z.string(), hint: z.string().optional() })
      .optional()
      .meta({ description: 'why it failed' }),
  })
  .meta({ id: 'Sandbox' });

export const sandboxesShape = z
  .object({ sandboxes: z.array(sandboxShape).readonly() })
  .meta({ id: 'Sandboxes' });
