import { CustodyError } from '#core/errors.ts';
import { DeviceDesk } from '#core/identity/devices/desk.ts';
import { type Device, type DeviceStep, deviceState, registered } from '#core/identity/devices/device.ts';
import type {
  Challenge,
  DeviceOutbox,
  DevicePage,
  DeviceQuery,
  DeviceStore,
  UntoldDevice,
} from '#core/identity/devices/store.ts';
import { canonicalEmail } from '#core/identity/email.ts';
import { MemoryLeaves } from './memory-ports.ts';

/** Devices in memory, as the contract has them. */
export class MemoryDevices implements DeviceStore, DeviceOutbox {
  readonly items = new Map<string, UntoldDevice>();
  readonly challenges = new Map<string, Challenge>();

  async of(key: string) {
    const item = this.items.get(key);
    return item === undefined ? undefined : registered(item.device, item.told);
  }

  async revoked(keys: readonly string[]) {
    const isRevoked = (key: string): boolean => {
      const item = this.items.get(key);
      return item !== undefined && deviceState(item.device) === 'revoked';
    };
    return new Set(keys.filter(isRevoked));
  }

  async challenge(challenge: Challenge) {
    this.challenges.set(challenge.hash, challenge);
  }

  async create(device: Device, now: Date, atMost: number) {
    if (this.items.has(device.id)) return 'exists';
    const own = [...this.items.values()].filter(({ device: one }) => isOf(one, device.owner));
    if (own.filter(({ device: one }) => deviceState(one) !== 'revoked').length >= atMost) return 'too-many';
    const challenge = this.challenges.get(device.challenge);
    const isGood =
      challenge !== undefined &&
      isOf(device, challenge.account) &&
      challenge.expiresAt.getTime() > now.getTime();
    if (!isGood) return 'no-challenge';
    this.challenges.delete(device.challenge);
    this.items.set(device.id, { device, told: 0 });
    return 'created';
  }

  async append(id: string, after: number, step: DeviceStep) {
    const { device, told } = this.#at(id);
    if (device.steps.length !== after) throw new CustodyError('conflict', 'somebody else changed the device');
    this.items.set(id, { device: { ...device, steps: [...device.steps, step] }, told });
  }

  async get(id: string) {
    return this.#at(id).device;
  }

  async list(query: DeviceQuery): Promise<DevicePage> {
    const sorted = [...this.items.values()]
      .map(({ device }) => device)
      .toSorted((a, b) => (a.id < b.id ? -1 : 1));
    const fits = sorted.filter((device) => isAskedFor(device, query) && device.id > (query.cursor ?? ''));
    const devices = fits.slice(0, query.limit);
    return fits.length > query.limit ? { devices, next: devices.at(-1)!.id } : { devices };
  }

  async untold(limit: number, id?: string) {
    const all = [...this.items.values()].filter(({ device, told }) => told <= device.steps.length);
    return all.filter(({ device }) => id === undefined || device.id === id).slice(0, limit);
  }

  async told(id: string, count: number) {
    const { device, told } = this.#at(id);
    this.items.set(id, { device, told: Math.max(told, count) });
  }

  #at(id: string): UntoldDevice {
    const item = this.items.get(id);
    if (item !== undefined) return item;
    throw new CustodyError('not-found', 'no such device');
  }
}

function isOf({ owner }: Device, { issuer, subject }: { issuer: string; subject: string }): boolean {
  return owner.issuer === issuer && owner.subject === subject;
}

function isAskedFor(device: Device, query: DeviceQuery): boolean {
  if ('owner' in query) return isOf(device, query.owner);
  if ('email' in query)
    return device.owner.email !== undefined && canonicalEmail(device.owner.email) === query.email;
  return deviceState(device) === query.state;
}

/** For a server that is not asked about devices. */
export function noDevices() {
  const devices = new MemoryDevices();
  return {
    devices,
    deviceDesk: new DeviceDesk({ devices, leaves: new MemoryLeaves(), now: () => new Date() }),
  };
}
