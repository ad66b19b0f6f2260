import { randomBytes } from 'node:crypto';
import type { DevicesConfig } from '../../access/devices-schema.ts';
import { sameAccount } from '../../access/person.ts';
import { asCustodyError, CustodyError } from '../../errors.ts';
import { enter, type LeafSink } from '../../ledger/leaves.ts';
import type { Principal } from '../principal.ts';
import { type Device, type DeviceStep, deviceState } from './device.ts';
import { deviceLeaf } from './leaves.ts';
import { newDevice, refuseOthers } from './lifecycle.ts';
import { challengeHash, heldKey, type Registration } from './registration.ts';
import type { DeviceOutbox, DeviceStore } from './store.ts';

export interface DeviceDeskPorts {
  readonly devices: DeviceStore & DeviceOutbox;
  readonly leaves: LeafSink;
  readonly now: () => Date;
}

/** What somebody signs in order to register a key. */
export interface IssuedChallenge {
  readonly challenge: string;
  readonly expiresAt: Date;
}

const CHALLENGE_MS = 5 * 60_000;
/** Of one account, that were not revoked. */
const DEVICES_MAX = 20;
/** Under a race one change of each round gets through. */
const TRIES = 100;
const TOLD_AT_ONCE = 100;

/** Where devices are registered and changed: each change is durable and in the ledger's queue before it is answered. */
export class DeviceDesk {
  readonly #ports: DeviceDeskPorts;

  constructor(ports: DeviceDeskPorts) {
    this.#ports = ports;
  }

  /** Throws `access-denied` for whoever may register nothing. */
  async challenge(caller: Principal, config: DevicesConfig): Promise<IssuedChallenge> {
    refuseOthers(caller, config);
    const { devices, now } = this.#ports;
    const challenge = `custody-device-v1 ${randomBytes(32).toString('base64url')}`;
    const expiresAt = new Date(now().getTime() + CHALLENGE_MS);
    await devices.challenge({ hash: challengeHash(challenge), account: accountOf(caller), expiresAt });
    return { challenge, expiresAt };
  }

  /**
   * Registers a key. The same registration again, as after an answer that got lost, gives the same device. Rejects with
   * `already-exists` for a key that is registered, with `conflict` where there are too many, and with what `heldKey` throws.
   */
  async register(caller: Principal, registration: Registration, config: DevicesConfig): Promise<Device> {
    const { devices, now } = this.#ports;
    const at = now();
    const device = newDevice(caller, heldKey(registration, config, at), registration, config, at);
    const outcome = await devices.create(device, at, DEVICES_MAX);
    if (outcome === 'no-challenge') throw await this.#spent(device);
    if (outcome === 'too-many') throw tooMany();
    if (outcome === 'exists') refuseAnother(await devices.get(device.id), device);
    await this.tell(device.id);
    return devices.get(device.id);
  }

  /**
   * Adds the step that `step` makes of the device as it is now; none where it makes none. Of two changes at once, one sees what the
   * other did. Rejects with what `step` throws, and with `not-found`.
   */
  async change(id: string, step: (device: Device, now: Date) => DeviceStep | undefined): Promise<Device> {
    const { devices, now } = this.#ports;
    for (let tries = 0; tries < TRIES; tries += 1) {
      const device = await devices.get(id);
      const added = step(device, now());
      if (added !== undefined && !(await this.#added(device, added))) continue;
      await this.tell(id);
      return devices.get(id);
    }
    throw new CustodyError('conflict', 'too many people change this device at once', { hint: 'try again' });
  }

  /** Enters what the ledger has not been told of this device. When it returns, all of it is in the ledger's queue. */
  async tell(id: string): Promise<void> {
    const { devices, leaves } = this.#ports;
    for (const { device, told } of await devices.untold(1, id)) {
      const count = device.steps.length + 1;
      for (let number = told; number < count; number += 1) await enter(deviceLeaf(device, number), leaves);
      await devices.told(id, count);
    }
  }

  /**
   * The same for all devices: what somebody left behind who died. Returns how many there were. One that cannot be told keeps no other
   * from it; rejects for it at the end.
   */
  async tellAll(): Promise<number> {
    const untold = await this.#ports.devices.untold(TOLD_AT_ONCE);
    const failures: unknown[] = [];
    for (const { device } of untold)
      await this.tell(device.id).catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw asCustodyError(failures[0]);
    return untold.length;
  }

  /** False when somebody else changed it in between. */
  async #added({ id, steps }: Device, step: DeviceStep): Promise<boolean> {
    try {
      await this.#ports.devices.append(id, steps.length, step);
      return true;
    } catch (error) {
      if (asCustodyError(error).code === 'conflict') return false;
      throw error;
    }
  }

  /** Whoever has signed it with a key that is registered learns that before: they hold it. */
  async #spent(device: Device): Promise<CustodyError> {
    const stored = await this.#ports.devices.get(device.id).catch(() => undefined);
    if (stored !== undefined) refuseAnother(stored, device);
    return new CustodyError('format-invalid', 'the challenge is not yours, was used, or its time is over', {
      hint: 'ask for a new one: POST /v1/devices/challenge',
    });
  }
}

function accountOf({ issuer, subject }: Principal) {
  return { issuer, subject };
}

/** A key is registered once. The very registration that did it may come again. */
function refuseAnother(stored: Device, device: Device): void {
  const isSame = stored.challenge === device.challenge && sameAccount(stored.owner, device.owner);
  if (isSame && deviceState(stored) !== 'revoked') return;
  const isOwn = sameAccount(stored.owner, device.owner);
  if (deviceState(stored) === 'revoked')
    throw taken(
      'this key was revoked, and is never registered again',
      'register a new one: custody devices register --new',
    );
  throw isOwn
    ? taken(`this key is registered already, as ${JSON.stringify(stored.name)}`, 'see yours: custody devices')
    : taken('this key is registered already, and not as yours', 'make one of your own: ssh-keygen');
}

function taken(message: string, hint: string): CustodyError {
  return new CustodyError('already-exists', message, { hint });
}

function tooMany(): CustodyError {
  return new CustodyError('conflict', `you have ${DEVICES_MAX} devices already`, {
    hint: 'revoke one that you do not use: custody devices revoke',
  });
}
