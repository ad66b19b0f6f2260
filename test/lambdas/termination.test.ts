import { describe, expect, it } from 'vitest';
import { sessionsHandler } from '#lambdas/sessions/handler.ts';
import { sessionRecord } from '#test/support/session-records.ts';
import { addSession, call, MISSING, NOW, type World, world } from './support.ts';

/** dana's session, still open. */
async function running(): Promise<{ ports: World; id: string }> {
  const ports = world();
  const record = sessionRecord(1, { subject: 'dana' });
  await ports.catalog.opened(record);
  return { ports, id: record.id };
}

function terminate(ports: World, who: string, id: string, body: unknown = {}) {
  return call(sessionsHandler(ports), `/v1/sessions/${id}/termination`, { token: who, method: 'POST', body });
}

describe('POST /v1/sessions/{id}/termination (security cases 13, 14)', () => {
  it('is a wish that the gateway will find, with who and why', async () => {
    const { ports, id } = await running();
    const { status, body } = await terminate(ports, 'olga', id, { reason: 'runaway' });
    const wish = {
      session: id,
      by: { issuer: 'https://id.example', subject: 'olga' },
      at: NOW.toISOString(),
      reason: 'runaway',
    };
    expect([status, body]).toEqual([202, wish]);
    expect(await ports.access.asked([id])).toEqual([wish]);
    await terminate(ports, 'olga', id, { reason: 'another' });
    expect(await ports.access.asked([id])).toEqual([wish]);
  });

  it('is for who the rules name: others may know of the session, or not even that', async () => {
    const { ports, id } = await running();
    expect((await terminate(ports, 'dana', id)).status).toBe(403);
    expect((await terminate(ports, 'ada', id)).status).toBe(403);
    for (const who of ['eve', 'rui', 'pat']) {
      const refused = await terminate(ports, who, id);
      expect([refused.status, refused.body]).toEqual([404, (await terminate(ports, who, MISSING)).body]);
    }
    expect(await ports.access.asked([id])).toEqual([]);
  });

  it('who may end a session sees that it is there, and not what was said in it', async () => {
    const { ports, id } = await running();
    const get = (path: string) => call(sessionsHandler(ports), path, { token: 'olga' });
    expect((await get(`/v1/sessions/${id}`)).status).toBe(200);
    expect(((await get('/v1/sessions')).body['sessions'] as object[]).length).toBe(1);
    expect((await get(`/v1/sessions/${id}/evidence`)).status).toBe(403);
  });

  it('of a session that is over is a conflict', async () => {
    const ports = world();
    const id = await addSession(ports, 1, { subject: 'dana' });
    expect((await terminate(ports, 'olga', id)).status).toBe(409);
  });

  it.each([[{ reason: 7 }], [{ why: 'x' }], [{ reason: '\u0007' }]])(
    'takes a reason alone: %j',
    async (body) => {
      const { ports, id } = await running();
      expect((await terminate(ports, 'olga', id, body)).status).toBe(400);
      expect(await ports.access.asked([id])).toEqual([]);
    },
  );
});
