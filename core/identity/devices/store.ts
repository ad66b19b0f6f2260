/** What devices need from the world: where they live. */
import type { Actor } from '../principal.ts';
import type { Device, DeviceState, DeviceStep, RegisteredDevice } from './device.ts';

/** For those who decide. */
export interface DeviceBook {
  /** By its key's fingerprint. Undefined for a key that does not count: of no device, or one that waits, or was revoked. */
  of(key: string): Promise<RegisteredDevice | undefined>;
}

/** For those who look often: reads little as long as nothing changes. */
export interface RevokedDevices {
  /** Those of these keys that were revoked. Sees every revocation that came before it. */
  revoked(keys: readonly string[]): Promise<ReadonlySet<string>>;
}

/** What a call has done is durable when it returns; reads, but for lists, see every write that came before. */
export interface DeviceStore extends DeviceBook, RevokedDevices {
  /** Something to sign, good once for this account until then. */
  challenge(challenge: Challenge): Promise<void>;
  /**
   * Stores a device and spends its challenge, or does neither. `exists`: the key is registered. `no-challenge`: there is none of this
   * account, it was used, or its time is over. `too-many`: the account has `atMost` that were not revoked.
   */
  create(
    device: Device,
    now: Date,
    atMost: number,
  ): Promise<'created' | 'exists' | 'no-challenge' | 'too-many'>;
  /**
   * Adds a step to a device that has exactly `after` steps: of two who act at once, one finds another state and looks again. Rejects
   * with `conflict` when it has another number, changing nothing, and with `not-found`. On any other rejection it may be there or not.
   */
  append(id: string, after: number, step: DeviceStep): Promise<void>;
  /** Rejects with `not-found`. */
  get(id: string): Promise<Device>;
  /** In the order of their ids. In the cloud a list may lag behind: whoever acts on a device `get`s it. */
  list(query: DeviceQuery): Promise<DevicePage>;
}

export interface Challenge {
  /** SHA-256 of the challenge, hex. */
  readonly hash: string;
  readonly account: Actor;
  readonly expiresAt: Date;
}

/** By one of these. */
export type DeviceQuery = { readonly limit: number; readonly cursor?: string } & (
  | { readonly owner: Actor }
  /** The owner's address in its canonical form. */
  | { readonly email: string }
  | { readonly state: DeviceState }
);

export interface DevicePage {
  readonly devices: readonly Device[];
  /** The id of the last of them, where more follow. */
  readonly next?: string;
}

/** What the ledger was told of devices: the registration is the first news, and each step is one more. */
export interface DeviceOutbox {
  /** Devices of which something has not been told, with how much has been; at most `limit`; of all, or this one. */
  untold(limit: number, id?: string): Promise<readonly UntoldDevice[]>;
  /** The first `count` news have been told. Never takes back. */
  told(id: string, count: number): Promise<void>;
}

export interface UntoldDevice {
  readonly device: Device;
  readonly told: number;
}
