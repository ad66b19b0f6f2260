import { describe, expect, it } from 'vitest';
import type { Device, DeviceStep } from '#core/identity/devices/device.ts';
import type { DeviceOutbox, DeviceStore, RevokedDevices } from '#core/identity/devices/store.ts';
import type { Given } from './given.ts';

export const NOW = new Date('2026-11-23T09:00:30.000Z');
const LATER = new Date(NOW.getTime() + 300_000);
const DANA = { issuer: 'https://id.example', subject: 'dana', email: 'Dana@Example.com' };
const RUI = { issuer: 'https://id.example', subject: 'rui' };
const SAME_NAME = { issuer: 'https://other.example', subject: 'dana' };

const idOf = (number: number): string =>
  `SHA256:${Buffer.alloc(32, number).toString('base64').replace('=', '')}`;
const hashOf = (number: number): string => Buffer.alloc(32, number).toString('hex');

export const device = (number: number, more: Partial<Device> = {}): Device => ({
  id: idOf(number),
  owner: DANA,
  name: `key ${number}`,
  publicKey: 'ssh-ed25519 AAAA',
  kept: { fido: false, userVerified: false, attested: false },
  challenge: hashOf(number),
  registeredAt: NOW.toISOString(),
  needsApproval: false,
  steps: [],
  ...more,
});
const approved = (last: boolean): DeviceStep => ({
  at: NOW.toISOString(),
  kind: 'approved',
  by: RUI,
  groups: ['leads'],
  last,
});
const revoked: DeviceStep = { at: NOW.toISOString(), kind: 'revoked', by: DANA };

type Store = DeviceStore & DeviceOutbox;

async function created(store: Store, one: Device, atMost = 20) {
  await store.challenge({ hash: one.challenge, account: one.owner, expiresAt: LATER });
  return store.create(one, NOW, atMost);
}

/** `watch`: the same devices, as whoever looks after live sessions sees them. */
export function devicesContract(
  name: string,
  make: () => Given<{ readonly devices: Store; readonly watch: RevokedDevices }>,
): void {
  describe(`${name} keeps devices`, () => {
    it('as they were registered, by their key', async () => {
      const { devices } = await make();
      expect(await created(devices, device(1))).toBe('created');
      expect(await devices.get(idOf(1))).toEqual(device(1));
      await expect(devices.get(idOf(2))).rejects.toMatchObject({ code: 'not-found' });
    });

    it('which count once the ledger was told, and not before', async () => {
      const { devices } = await make();
      await created(devices, device(1));
      expect(await devices.of(idOf(1))).toBeUndefined();
      await devices.told(idOf(1), 1);
      const expected = { id: idOf(1), owner: DANA, name: 'key 1', fido: false, attested: false };
      expect(await devices.of(idOf(1))).toEqual(expected);
      expect(await devices.of(idOf(2))).toBeUndefined();
    });

    it('which count once the last approval is told, where they need any', async () => {
      const { devices } = await make();
      await created(devices, device(1, { needsApproval: true }));
      await devices.told(idOf(1), 1);
      await devices.append(idOf(1), 0, approved(false));
      await devices.told(idOf(1), 2);
      expect(await devices.of(idOf(1))).toBeUndefined();
      await devices.append(idOf(1), 1, approved(true));
      expect(await devices.of(idOf(1))).toBeUndefined();
      await devices.told(idOf(1), 3);
      expect(await devices.of(idOf(1))).toMatchObject({ id: idOf(1) });
    });

    it('a key once, whoever comes with it, and then spends no challenge', async () => {
      const { devices } = await make();
      await created(devices, device(1));
      const again = device(1, { owner: RUI, challenge: hashOf(9) });
      expect(await created(devices, again)).toBe('exists');
      expect((await devices.get(idOf(1))).owner).toEqual(DANA);
      expect(await devices.create(device(2, { owner: RUI, challenge: hashOf(9) }), NOW, 20)).toBe('created');
    });

    it('for a challenge of this very account, once and in its time (security case 14)', async () => {
      const { devices } = await make();
      expect(await devices.create(device(1), NOW, 20)).toBe('no-challenge');
      await devices.challenge({ hash: hashOf(1), account: SAME_NAME, expiresAt: LATER });
      expect(await devices.create(device(1), NOW, 20)).toBe('no-challenge');
      await devices.challenge({ hash: hashOf(1), account: DANA, expiresAt: LATER });
      expect(await devices.create(device(1), LATER, 20)).toBe('no-challenge');
      await expect(devices.get(idOf(1))).rejects.toMatchObject({ code: 'not-found' });
      expect(await devices.create(device(1), NOW, 20)).toBe('created');
      expect(await devices.create(device(2, { challenge: hashOf(1) }), NOW, 20)).toBe('no-challenge');
    });

    it('so many of one account that were not revoked', async () => {
      const { devices } = await make();
      expect(await created(devices, device(1), 2)).toBe('created');
      expect(await created(devices, device(2), 2)).toBe('created');
      expect(await created(devices, device(3), 2)).toBe('too-many');
      expect(await created(devices, device(4, { owner: RUI }), 2)).toBe('created');
      await devices.append(idOf(1), 0, revoked);
      expect(await devices.create(device(3), NOW, 2)).toBe('created');
      expect(await created(devices, device(5), 2)).toBe('too-many');
    });

    it('and of many that come at once lets in as many as there is room for', async () => {
      const { devices } = await make();
      const outcomes = await Promise.all(
        [1, 2, 3, 4, 5].map((number) => created(devices, device(number), 3)),
      );
      expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(3);
    });

    it('that were revoked are known at once to all, and count for nothing', async () => {
      const { devices, watch } = await make();
      for (const number of [1, 2]) await created(devices, device(number));
      await devices.told(idOf(1), 1);
      for (const view of [devices, watch]) expect(await view.revoked([idOf(1), idOf(2)])).toEqual(new Set());
      await devices.append(idOf(1), 0, revoked);
      for (const view of [devices, watch]) {
        expect(await view.revoked([idOf(1), idOf(2), idOf(3)])).toEqual(new Set([idOf(1)]));
        expect(await view.revoked([])).toEqual(new Set());
      }
      expect(await devices.of(idOf(1))).toBeUndefined();
    });

    it('whose steps are added to what was looked at, and to nothing else (security case 12)', async () => {
      const { devices } = await make();
      await created(devices, device(1, { needsApproval: true }));
      const both = await Promise.allSettled([
        devices.append(idOf(1), 0, approved(true)),
        devices.append(idOf(1), 0, revoked),
      ]);
      expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
      expect((await devices.get(idOf(1))).steps).toHaveLength(1);
      await expect(devices.append(idOf(1), 0, revoked)).rejects.toMatchObject({ code: 'conflict' });
      await expect(devices.append(idOf(1), 5, revoked)).rejects.toMatchObject({ code: 'conflict' });
      await expect(devices.append(idOf(2), 0, revoked)).rejects.toMatchObject({ code: 'not-found' });
    });

    it('in lists by owner, by address and by state, page by page', async () => {
      const { devices } = await make();
      for (const number of [1, 2, 3]) await created(devices, device(number));
      await created(devices, device(4, { owner: SAME_NAME, needsApproval: true }));
      await devices.append(idOf(3), 0, revoked);
      const names = async (query: Parameters<Store['list']>[0]) =>
        (await devices.list(query)).devices.map(({ name }) => name).toSorted();
      expect(await names({ owner: DANA, limit: 10 })).toEqual(['key 1', 'key 2', 'key 3']);
      expect(await names({ owner: SAME_NAME, limit: 10 })).toEqual(['key 4']);
      expect(await names({ email: 'dana@example.com', limit: 10 })).toEqual(['key 1', 'key 2', 'key 3']);
      expect(await names({ email: 'Dana@Example.com', limit: 10 })).toEqual([]);
      expect(await names({ state: 'pending', limit: 10 })).toEqual(['key 4']);
      expect(await names({ state: 'registered', limit: 10 })).toEqual(['key 1', 'key 2']);
      expect(await names({ state: 'revoked', limit: 10 })).toEqual(['key 3']);
      const first = await devices.list({ owner: DANA, limit: 2 });
      expect([first.devices.length, first.next]).toEqual([2, first.devices[1]!.id]);
      const rest = await devices.list({ owner: DANA, limit: 2, cursor: first.next! });
      expect(rest.next).toBeUndefined();
      const all = [...first.devices, ...rest.devices].map((one) => one.name).toSorted();
      expect(all).toEqual(['key 1', 'key 2', 'key 3']);
    });

    it('of which it knows what the ledger was not told', async () => {
      const { devices } = await make();
      await created(devices, device(1));
      await created(devices, device(2));
      await devices.told(idOf(2), 1);
      expect(await devices.untold(10)).toEqual([{ device: device(1), told: 0 }]);
      expect(await devices.untold(10, idOf(2))).toEqual([]);
      await devices.append(idOf(2), 0, revoked);
      expect(await devices.untold(10, idOf(2))).toMatchObject([{ told: 1, device: { steps: [revoked] } }]);
      expect(await devices.untold(1)).toHaveLength(1);
      await devices.told(idOf(2), 2);
      await devices.told(idOf(2), 1);
      expect(await devices.untold(10, idOf(2))).toEqual([]);
    });

    it('of which no two people that are called the same are one', async () => {
      const { devices } = await make();
      const [one, other] = [
        device(1, { owner: { issuer: 'https://a.example', subject: 'b' } }),
        device(2, { owner: { issuer: 'https://a.example","b', subject: '' } }),
      ];
      await created(devices, one);
      await created(devices, other);
      expect((await devices.list({ owner: one.owner, limit: 10 })).devices).toEqual([one]);
    });
  });
}
