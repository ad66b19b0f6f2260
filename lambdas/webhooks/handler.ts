import { z } from 'zod';
import type { Config } from '#core/access/config.ts';
import { newsKinds } from '#core/access/news.ts';
import type { DeadLetters } from '#core/notify/deliveries.ts';
import { requireAdminister } from '../access/visible.ts';
import { callerOf, contextOf } from '../caller.ts';
import { bodyOf, type HttpHandler, httpHandler, json, queryOf } from '../http.ts';
import type { FaultLog } from '../problem.ts';
import { noQuery, time } from '../shapes.ts';

export interface WebhooksPorts {
  readonly policy: () => Config;
  readonly deadLetters: DeadLetters;
  readonly now: () => Date;
  readonly log: FaultLog;
}

const PAGE = 100;

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
  })
  .meta({ id: 'DeadLetters', description: 'what no webhook took: at most 100, newest first' });

export const retryBody = z.strictObject({ id: z.string().min(1).max(200) });
export const retryShape = z.object({ id: z.string() }).meta({ id: 'Retry' });

/** GET /v1/dead-letters, POST /v1/dead-letters: what could not be delivered, and to try it again. For who administers. */
export function webhooksHandler({ policy, deadLetters, now, log }: WebhooksPorts): HttpHandler {
  return httpHandler(log, async (event) => {
    const at = now();
    requireAdminister({ caller: callerOf(event), policy: policy(), context: contextOf(event), now: at });
    if (event.routeKey.startsWith('POST')) {
      const { id } = bodyOf(retryBody, event);
      await deadLetters.again(id, at);
      return json(retryShape, { id }, { status: 202 });
    }
    queryOf(noQuery, event);
    const dead = await deadLetters.dead(PAGE);
    const shown = dead.map(({ id, webhook, problem, news }) => ({
      id,
      webhook,
      problem,
      kind: news.kind,
      at: news.at,
      ...('request' in news ? { request: news.request } : {}),
    }));
    return json(deadLettersShape, { deadLetters: shown });
  });
}
