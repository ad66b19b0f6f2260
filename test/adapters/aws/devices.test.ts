import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoAccessStore } from '#adapters/aws/access-store.ts';
import { dynamoDevices, dynamoRecentRevocations } from '#adapters/aws/devices.ts';
import { dynamoScim } from '#adapters/aws/scim-directory.ts';
import { device, devicesContract, NOW } from '#test/contract/devices.ts';
import { hasMoto, type Moto, startMoto } from '#test/support/moto.ts';

describe.runIf(hasMoto())('devices in AWS', () => {
  let moto: Moto;
  beforeAll(async () => (moto = await startMoto()));
  afterAll(() => moto.stop());

  const place = async (now = () => NOW) => ({
    dynamo: moto.clients.dynamo,
    table: await moto.table('access'),
    now,
  });
  const register = async (where: Awaited<ReturnType<typeof place>>, number = 1) => {
    const devices = dynamoDevices(where);
    const { challenge, owner } = device(number);
    await devices.challenge({ hash: challenge, account: owner, expiresAt: new Date(NOW.getTime() + 1) });
    expect(await devices.create(device(number), NOW, 20)).toBe('created');
    return devices;
  };

  devicesContract('DynamoDB', async () => {
    const where = await place();
    return { devices: dynamoDevices(where), watch: dynamoRecentRevocations(where) };
  });

  it('that were revoked are no news to the watch after two minutes, and known for ever where people log in', async () => {
    const clock = { ms: NOW.getTime() };
    const where = await place(() => new Date(clock.ms));
    const devices = await register(where);
    const { id, owner } = device(1);
    await devices.append(id, 0, { at: NOW.toISOString(), kind: 'revoked', by: owner });
    const watch = dynamoRecentRevocations(where);
    clock.ms += 119_000;
    expect((await watch.revoked([id])).size).toBe(1);
    clock.ms += 2_000;
    expect((await watch.revoked([id])).size).toBe(0);
    expect((await devices.revoked([id])).size).toBe(1);
  });

  it('are in no list of requests, and none of what directories told', async () => {
    const where = await place();
    const devices = await register(where);
    const requests = dynamoAccessStore(where.dynamo, where.table);
    expect((await requests.list({ limit: 10 })).requests).toEqual([]);
    expect((await requests.list({ limit: 10, requester: device(1).owner })).requests).toEqual([]);
    expect(await requests.untold(10)).toEqual([]);
    expect(await dynamoScim(where).owed(10)).toEqual([]);
    expect(await devices.untold(10)).toHaveLength(1);
  });

  it('that cannot be seen are not none', async () => {
    const where = { ...(await place()), dynamo: { send: () => Promise.reject(new Error('away')) } as never };
    for (const view of [dynamoDevices(where), dynamoRecentRevocations(where)])
      await expect(view.revoked(['SHA256:x'])).rejects.toMatchObject({ code: 'store-unavailable' });
    await expect(dynamoDevices(where).of('SHA256:x')).rejects.toMatchObject({ code: 'store-unavailable' });
  });
});
