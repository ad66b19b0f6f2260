/** What GET /v1/status says: how the gateway is, as far as its tables and its store know. */
import { z } from 'zod';
import { count, sessionId, time } from '../shapes.ts';

const seconds = z.number().min(0);
const more = z.boolean().meta({ description: 'there are more than were counted' });

const task = z.object({
  task: z.string().meta({ description: 'of the gateway, as its sessions name it' }),
  alive: z.boolean().meta({ description: 'it holds its lease' }),
  leaseUntil: time,
  open: count.meta({ description: 'sessions that it has by the index' }),
  toldAt: time.optional().meta({ description: 'when it said of itself what follows' }),
  version: z.string().optional(),
  journalLagMs: count.optional().meta({
    description:
      'how long the oldest frame had waited to be durable off the task, at most, in the seconds before; what happened since, nobody but the task knows',
  }),
});

const sessions = z.object({
  open: count,
  waiting: count.meta({ description: 'of those, the ones that wait for somebody to watch' }),
  byTarget: z.array(z.object({ target: z.string(), open: count, waiting: count })).readonly(),
});

const unsealed = z.object({
  count: count.meta({ description: 'sessions that no living task holds and that are not sealed' }),
  oldest: z
    .object({ session: sessionId, startedAt: time, since: time.optional() })
    .optional()
    .meta({ description: '`since`: when the lease of its task ended' }),
  deadlineSeconds: seconds.meta({ description: 'after the lease: within that, the sealer has sealed it' }),
});

const ledger = z.object({
  size: count.meta({ description: 'leaves under the newest checkpoint' }),
  newestAt: time
    .optional()
    .meta({ description: 'when the newest of them came about; absent where there is none' }),
  queued: count.meta({ description: 'leaves that wait to enter' }),
  more,
  oldestQueuedAt: time.optional(),
  deadlineSeconds: seconds.meta({ description: 'within that, a leaf is under a checkpoint' }),
});

const refusedTokens = z.object({
  since: time.meta({ description: 'of the last hour, to ten minutes' }),
  total: count,
  reasons: z
    .array(
      z.object({
        door: z.enum(['api', 'gateway']),
        code: z.string(),
        issuer: z.string().optional().meta({
          description: 'the name of the issuer that they say they are of, which is not vouched for',
        }),
        count,
      }),
    )
    .readonly(),
  perTenMinutes: z.array(z.object({ from: time, count })).readonly(),
});

const configuration = z.object({
  version: z.string().meta({ description: 'SHA-256 of the configuration in force' }),
  since: time.optional().meta({ description: 'when its file was written' }),
  refused: z.object({ since: time, problem: z.string() }).optional(),
  warnings: z.array(z.string()).readonly(),
});

export const statusShape = z
  .object({
    at: time,
    version: z.string().meta({ description: 'of what answers' }),
    sessions,
    tasks: z.array(task).readonly(),
    unsealed,
    ledger,
    deadLetters: z.object({ count, more, oldestAt: time.optional() }),
    search: z.object({ pending: count, more }).optional().meta({
      description:
        'sealed sessions that are not in the search yet; absent where the index is not asked (in AWS: alarm UnindexedSessions)',
    }),
    refusedTokens,
    config: configuration,
  })
  .meta({ id: 'Status' });

export type Status = z.input<typeof statusShape>;
