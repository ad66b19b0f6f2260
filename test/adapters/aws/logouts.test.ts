import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoLogouts, dynamoRecentLogouts } from '#adapters/aws/logouts.ts';
import { logoutsContract } from '#test/contract/logouts.ts';
import { hasMoto, type Moto, startMoto } from '#test/support/moto.ts';

const START = Date.parse('2026-11-23T09:00:30.000Z');

describe.runIf(hasMoto())('logouts in AWS', () => {
  let moto: Moto;
  beforeAll(async () => (moto = await startMoto()));
  afterAll(() => moto.stop());

  const place = async (now = () => new Date(START)) => ({
    dynamo: moto.clients.dynamo,
    table: await moto.table('access'),
    now,
  });

  logoutsContract('DynamoDB', async () => {
    const where = await place();
    return { logouts: dynamoLogouts(where), watch: dynamoRecentLogouts(where) };
  });

  it('are no news to the watch after two minutes, and known for ever where people log in', async () => {
    const clock = { ms: START };
    const where = await place(() => new Date(clock.ms));
    const [logouts, watch] = [dynamoLogouts(where), dynamoRecentLogouts(where)];
    await logouts.take({ token: 't', at: new Date(START), marks: ['dana'] });
    clock.ms += 119_000;
    expect((await watch.newest(['dana'])).size).toBe(1);
    clock.ms += 2_000;
    expect((await watch.newest(['dana'])).size).toBe(0);
    expect((await logouts.newest(['dana'])).size).toBe(1);
  });

  it('that cannot be seen are not none', async () => {
    const where = { ...(await place()), dynamo: { send: () => Promise.reject(new Error('away')) } as never };
    for (const view of [dynamoLogouts(where), dynamoRecentLogouts(where)])
      await expect(view.newest(['dana'])).rejects.toMatchObject({ code: 'store-unavailable' });
  });
});
