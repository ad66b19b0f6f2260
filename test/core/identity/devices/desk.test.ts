import { describe, expect, it } from 'vitest';
import { approve, revoke } from '#core/identity/devices/lifecycle.ts';
import { parseLeaf } from '#core/ledger/leaf.ts';
import { SoftwareAuthenticator } from '#test/support/software-authenticator.ts';
import { answered, approvedBy, desk, lead, NOW, person } from './support.ts';

const dana = person('dana', { email: 'dana@example.com' });
const leavesIn = (added: ReadonlySet<string>) => [...added].map((text) => parseLeaf(Buffer.from(text))!);

async function registered(
  world: ReturnType<typeof desk>,
  config = {},
  key = new SoftwareAuthenticator(),
  caller = dana,
) {
  const { challenge } = await world.desk.challenge(caller, config);
  return world.desk.register(caller, answered(challenge, key), config);
}

describe('a device', () => {
  it('counts, and is in the ledger, once it is registered', async () => {
    const world = desk();
    const device = await registered(world);
    expect(await world.devices.of(device.id)).toMatchObject({ owner: { subject: 'dana' }, name: 'notebook' });
    expect(leavesIn(world.leaves.added)).toEqual([
      {
        type: 'custody/leaf/1',
        kind: 'device-registered',
        at: NOW.toISOString(),
        device: device.id,
        by: { issuer: dana.issuer, subject: 'dana', email: 'dana@example.com' },
        fido: true,
        attested: false,
        approval: false,
      },
    ]);
  });

  it('does not count before its leaf is in the queue, and then without being registered again', async () => {
    const world = desk();
    const add = world.leaves.add.bind(world.leaves);
    world.leaves.add = () => Promise.reject(new Error('the queue is away'));
    const key = new SoftwareAuthenticator();
    const { challenge } = await world.desk.challenge(dana, {});
    await expect(world.desk.register(dana, answered(challenge, key), {})).rejects.toThrow('away');
    const { device } = (await world.devices.untold(1))[0]!;
    expect(await world.devices.of(device.id)).toBeUndefined();
    world.leaves.add = add;
    expect(await world.desk.tellAll()).toBe(1);
    expect(await world.devices.of(device.id)).toBeDefined();
    expect(await world.desk.tellAll()).toBe(0);
  });

  it('is registered once, however often the answer is lost', async () => {
    const world = desk();
    const { challenge } = await world.desk.challenge(dana, {});
    const same = answered(challenge);
    const first = await world.desk.register(dana, same, {});
    expect(await world.desk.register(dana, same, {})).toEqual(first);
    expect(world.leaves.added.size).toBe(1);
  });

  it('security case 14: is registered for a challenge of this very person, in its time, once', async () => {
    const world = desk();
    const refused = { code: 'format-invalid', message: expect.stringContaining('challenge') as string };
    const { challenge } = await world.desk.challenge(dana, {});
    await expect(world.desk.register(person('eve'), answered(challenge), {})).rejects.toMatchObject(refused);
    await expect(world.desk.register(dana, answered('one of my own'), {})).rejects.toMatchObject(refused);
    world.clock.now = new Date(NOW.getTime() + 300_000);
    await expect(world.desk.register(dana, answered(challenge), {})).rejects.toMatchObject(refused);
    world.clock.now = NOW;
    await world.desk.register(dana, answered(challenge), {});
    await expect(world.desk.register(dana, answered(challenge), {})).rejects.toMatchObject(refused);
  });

  it("security case 14: is nobody else's, and never anybody's once it was revoked", async () => {
    const world = desk();
    const key = new SoftwareAuthenticator();
    const { id } = await registered(world, {}, key);
    const taken = { code: 'already-exists' };
    await expect(registered(world, {}, key, person('eve'))).rejects.toMatchObject(taken);
    await expect(registered(world, {}, key)).rejects.toMatchObject(taken);
    expect((await world.devices.get(id)).owner.subject).toBe('dana');
    await world.desk.change(id, (device, now) => revoke(device, dana, undefined, now));
    await expect(registered(world, {}, key)).rejects.toMatchObject({
      ...taken,
      message: expect.stringContaining('revoked') as string,
    });
    expect(await world.devices.of(id)).toBeUndefined();
  });

  it('security case 3: is registered by a person, for themselves, with what the configuration wants of the login', async () => {
    const world = desk();
    const agent = person('dana', { actors: [{ issuer: 'https://id.example', subject: 'agent' }] });
    const machine = person('ci', { workload: true });
    const denied = { code: 'access-denied' };
    for (const caller of [agent, machine]) {
      await expect(world.desk.challenge(caller, {})).rejects.toMatchObject(denied);
      await expect(world.desk.register(caller, answered('x'), {})).rejects.toMatchObject(denied);
    }
    const config = { mfa: 'required' } as const;
    await expect(world.desk.challenge(dana, config)).rejects.toMatchObject(denied);
    const { challenge } = await world.desk.challenge({ ...dana, mfa: true }, config);
    await expect(world.desk.register(dana, answered(challenge), config)).rejects.toMatchObject(denied);
    await world.desk.register({ ...dana, mfa: true }, answered(challenge), config);
  });

  it('is one of twenty at most', async () => {
    const world = desk();
    for (let number = 0; number < 20; number += 1) await registered(world);
    await expect(registered(world)).rejects.toMatchObject({ code: 'conflict' });
    await registered(world, {}, new SoftwareAuthenticator(), person('eve'));
  });
});

describe('a device that needs approval', () => {
  it('counts after the last of them, each by another person', async () => {
    const world = desk();
    const config = approvedBy(2);
    const { id } = await registered(world, config);
    const give = (by: string) =>
      world.desk.change(id, (device, now) => approve(device, lead(by), config, now));
    expect(await world.devices.of(id)).toBeUndefined();
    await give('lea');
    await give('lea');
    expect(await world.devices.of(id)).toBeUndefined();
    await give('leo');
    expect(await world.devices.of(id)).toBeDefined();
    await give('lou');
    expect((await world.devices.get(id)).steps).toMatchObject([{ last: false }, { last: true }]);
    expect(leavesIn(world.leaves.added).map(({ kind }) => kind)).toEqual([
      'device-registered',
      'device-approved',
      'device-approved',
    ]);
  });

  it('security case 11: is approved by no one of other groups, no agent, and not by its owner under any account', async () => {
    const world = desk();
    const config = approvedBy();
    const { id } = await registered(world, config);
    const callers = [
      person('eve'),
      { ...dana, groups: ['leads'] },
      { ...lead('other'), email: 'Dana@Example.com' },
      { ...lead('other'), unverifiedEmail: 'dana@example.com' },
      { ...lead('lea'), actors: [{ issuer: 'https://id.example', subject: 'agent' }] },
      { ...lead('ci'), groups: ['*'], workload: true as const },
    ];
    for (const caller of callers) {
      const change = world.desk.change(id, (device, now) => approve(device, caller, config, now));
      await expect(change, JSON.stringify(caller)).rejects.toMatchObject({ code: 'access-denied' });
    }
    expect(await world.devices.of(id)).toBeUndefined();
  });

  it('stays what it was registered as when the configuration changes', async () => {
    const world = desk();
    const [waits, counts] = [await registered(world, approvedBy()), await registered(world)];
    const give = (id: string, config = {}) =>
      world.desk.change(id, (device, now) => approve(device, lead('lea'), config, now));
    await expect(give(waits.id)).rejects.toMatchObject({ code: 'access-denied' });
    await expect(give(counts.id, approvedBy())).rejects.toMatchObject({ code: 'access-denied' });
    expect(await world.devices.of(waits.id)).toBeUndefined();
    expect(await world.devices.of(counts.id)).toBeDefined();
  });

  it('security case 12: that is revoked while it is approved counts for nothing, whoever was first', async () => {
    for (const order of [0, 1]) {
      const world = desk();
      const config = approvedBy();
      const { id } = await registered(world, config);
      const acts = [
        () => world.desk.change(id, (device, now) => approve(device, lead('lea'), config, now)),
        () => world.desk.change(id, (device, now) => revoke(device, dana, 'lost', now)),
      ];
      await Promise.allSettled([acts[order]!(), acts[1 - order]!()]);
      expect(await world.devices.of(id)).toBeUndefined();
      expect(await world.devices.revoked([id])).toEqual(new Set([id]));
      await expect(acts[0]!()).rejects.toMatchObject({ code: 'conflict' });
    }
  });

  it('that two approve at once is approved by both, and once the last', async () => {
    const world = desk();
    const config = approvedBy(2);
    const { id } = await registered(world, config);
    await Promise.all(
      ['lea', 'leo', 'lou'].map((by) =>
        world.desk.change(id, (device, now) => approve(device, lead(by), config, now)),
      ),
    );
    const { steps } = await world.devices.get(id);
    expect(steps.map((step) => step.kind === 'approved' && step.last)).toEqual([false, true]);
  });
});
