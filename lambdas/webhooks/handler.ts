import { z } from 'zod';
import type { Config } from '#core/access/config.ts';
import { newsKinds } from '#core/access/news.ts';
import type { DeadLetters } from '#core/notify/deliveries.ts';
import { requireAdminister } from '../access/visible.ts';
import { askingOf } from '../asking.ts';
import { bodyOf, type HttpHandler, httpHandler, json, queryOf } from '../http.ts';
import type { FaultLog } from '../problem.ts';
import { PAGE_MAX, time } from '../shapes.ts';

export interface WebhooksPorts {
  readonly policy: () => Config;
  readonly deadLetters: DeadLetters;
  readonly now: () => Date;
  readonly log: FaultLog;
}

export const deadLettersQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(100),
  cursor: z.string().min(1).max(200).optional().meta({ description: 'the `next` of the page before' }),
});

export const deadLettersShape = z
  .object({
    deadLetters: z
      .array(
        z.object({
          id: z.string(),
          webhook: z.string(),
          problem: z.string(),
          kind: z.enum(newsKinds),
          at: time,
          request: z.string().optional().describe('where it is about one'),
        }),
      )
      .readonly(),
    next: z.string().optional(),
  })
  .meta({ id: 'DeadLetters', description: 'what no webhook took, newest first' });

export const retryBody = z.strictObject({ id: z.string().min(1).max(200) });
export const retryShape = z.object({ id: z.string() }).meta({ id: 'Retry' });

/** GET /v1/dead-letters, POST /v1/dead-letters: what could not be delivered, and to try it again. For who administers. */
export function webhooksHandler({ policy, deadLetters, now, log }: WebhooksPorts): HttpHandler {
  return httpHandler(log, async (event) => {
    const asking = askingOf(event, { policy, now });
    requireAdminister(asking);
    if (event.routeKey.startsWith('POST')) {
      const { id } = bodyOf(retryBody, event);
      await deadLetters.again(id, asking.now);
      return json(retryShape, { id }, { status: 202 });
    }
    return json(deadLettersShape, await deadPage(queryOf(deadLettersQuery, event), deadLetters));
  });
}

async function deadPage(
  { limit, cursor }: z.infer<typeof deadLettersQuery>,
  deadLetters: DeadLetters,
): Promise<z.input<typeof deadLettersShape>> {
  const dead = await deadLetters.dead(limit + 1, cursor);
  const shown = dead.slice(0, limit).map(({ id, webhook, problem, news }) => ({
    id,
    webhook,
    problem,
    kind: news.kind,
    at: news.at,
    ...('request' in news ? { request: news.request } : {}),
  }));
  return dead.length > limit ? { deadLetters: shown, next: shown.at(-1)!.id } : { deadLetters: shown };
}
