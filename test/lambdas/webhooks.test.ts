import { describe, expect, it } from 'vitest';
import { deliveryId } from '#core/notify/deliveries.ts';
import { webhooksHandler } from '#lambdas/webhooks/handler.ts';
import { MemoryDeliveries } from '#test/support/memory-deliveries.ts';
import { newsItem } from '#test/support/news.ts';
import { call, NOW, POLICY } from './support.ts';

const PATH = '/v1/dead-letters';

async function withOneDead() {
  const deliveries = new MemoryDeliveries();
  const news = newsItem(1);
  await deliveries.add(news, ['ops']);
  const until = new Date(NOW.getTime() + 1);
  const [taken] = await deliveries.take({ now: NOW, until, limit: 1, except: new Set() });
  await deliveries.failed(taken!.id, { dead: true }, 'it answered with 500');
  const handler = webhooksHandler({
    policy: () => POLICY,
    deadLetters: deliveries,
    now: () => NOW,
    log: () => undefined,
  });
  return { deliveries, handler, news, id: taken!.id };
}

describe('dead letters', () => {
  it('are shown to who administers, without what they say of people, and to nobody else (security case 7)', async () => {
    const { handler, news, id } = await withOneDead();
    const { status, body } = await call(handler, PATH, { token: 'adm' });
    expect(status).toBe(200);
    expect(body).toEqual({
      deadLetters: [
        {
          id,
          webhook: 'ops',
          problem: 'it answered with 500',
          kind: news.kind,
          at: news.at,
          request: news.request,
        },
      ],
    });
    for (const token of ['dana', 'rui', 'ada']) {
      expect((await call(handler, PATH, { token })).status).toBe(403);
      expect((await call(handler, PATH, { token, method: 'POST', body: { id } })).status).toBe(403);
    }
  });

  it('are walked page by page, each once', async () => {
    const { handler, deliveries } = await withOneDead();
    for (let n = 2; n <= 7; n += 1) await deliveries.add(newsItem(n), ['ops']);
    const until = new Date(NOW.getTime() + 1);
    const rest = await deliveries.take({ now: NOW, until, limit: 9, except: new Set() });
    for (const { id } of rest) await deliveries.failed(id, { dead: true }, 'gone');
    const requests: string[] = [];
    let cursor: string | undefined;
    do {
      const query = { limit: '3', ...(cursor !== undefined && { cursor }) };
      const { body } = await call(handler, PATH, { token: 'adm', query });
      requests.push(...(body['deadLetters'] as { id: string }[]).map(({ id }) => id));
      cursor = body['next'] as string | undefined;
    } while (cursor !== undefined);
    expect(requests).toEqual([7, 6, 5, 4, 3, 2, 1].map((n) => deliveryId(newsItem(n), 'ops')));
    const unknown = await call(handler, PATH, { token: 'adm', query: { cursor: 'ops/none' } });
    expect(unknown.status).toBe(404);
  });

  it('are tried again when somebody says so', async () => {
    const { handler, id, deliveries } = await withOneDead();
    expect((await call(handler, PATH, { token: 'adm', method: 'POST', body: { id } })).status).toBe(202);
    expect((await call(handler, PATH, { token: 'adm' })).body).toEqual({ deadLetters: [] });
    const until = new Date(NOW.getTime() + 1);
    expect(await deliveries.take({ now: NOW, until, limit: 9, except: new Set() })).toHaveLength(1);
  });

  it('that are not there cannot be tried', async () => {
    const { handler } = await withOneDead();
    const tried = await call(handler, PATH, { token: 'adm', method: 'POST', body: { id: 'ops/none' } });
    expect([tried.status, tried.body['code']]).toEqual([404, 'not-found']);
  });
});
