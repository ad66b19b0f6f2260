/** What may happen to a device. Pure: each function says which step is to be added, if any, or throws why none may be. */
import { isApproved, reviewerGroups } from '../../access/approvals.ts';
import type { DevicesConfig } from '../../access/devices-schema.ts';
import { named } from '../../access/lifecycle.ts';
import { isActedFor, mayBeSamePerson, mayHaveAsked, nameOf } from '../../access/person.ts';
import { CustodyError } from '../../errors.ts';
import type { Principal } from '../principal.ts';
import { type Device, type DeviceStep, deviceState } from './device.ts';
import { challengeHash, type HeldKey, type Registration } from './registration.ts';

/** A new device of whoever calls. Throws `access-denied` where they may not register any. */
export function newDevice(
  caller: Principal,
  { id, publicKey, kept }: HeldKey,
  { name, challenge }: Pick<Registration, 'name' | 'challenge'>,
  config: DevicesConfig,
  now: Date,
): Device {
  refuseOthers(caller, config);
  return {
    id,
    owner: named(caller),
    name,
    publicKey,
    kept,
    challenge: challengeHash(challenge),
    registeredAt: now.toISOString(),
    needsApproval: config.approval !== undefined,
    steps: [],
  };
}

/** Throws `access-denied` for whoever may not register a device: agents, machines, and a login without what the configuration wants. */
export function refuseOthers(caller: Principal, { mfa }: DevicesConfig): void {
  if (isActedFor(caller) || caller.workload === true)
    throw denied('devices are of people, and registered by themselves', 'log in as a person: custody login');
  if (mfa !== undefined && caller.mfa !== true)
    throw denied(
      'a device is registered after a login with a second factor',
      'log in with it: custody login',
    );
}

/** A reviewer's approval. Nothing where they have given it already, or none is missing. */
export function approve(
  device: Device,
  caller: Principal,
  { approval }: DevicesConfig,
  now: Date,
): DeviceStep | undefined {
  const state = deviceState(device);
  const groups = approval === undefined ? [] : reviewerGroups(approval, caller);
  if (approval === undefined || !mayApprove(device, caller, { approval }))
    throw denied('you may not approve this device', 'reviewers do, and nobody their own: custody devices');
  if (state === 'revoked') throw new CustodyError('conflict', 'the device was revoked');
  const given = device.steps.filter((step) => step.kind === 'approved');
  if (state === 'registered' || given.some(({ by }) => mayBeSamePerson(by, caller))) return undefined;
  const last = isApproved(approval, [...given, { groups }]);
  return { at: now.toISOString(), kind: 'approved', by: named(caller), groups, last };
}

/** Whether they are one of its reviewers: nobody is of their own, under whatever account, and no agent is (security case 11). */
export function mayApprove(
  { owner, needsApproval }: Device,
  caller: Principal,
  { approval }: Pick<DevicesConfig, 'approval'>,
): boolean {
  if (!needsApproval || approval === undefined) return false;
  return reviewerGroups(approval, caller).length > 0 && !isActedFor(caller) && !mayHaveAsked(caller, owner);
}

/** Its end. Whoever calls has been seen to be its owner, or one that administers. Nothing where it was revoked already. */
export function revoke(
  device: Device,
  caller: Principal,
  reason: string | undefined,
  now: Date,
): DeviceStep | undefined {
  if (isActedFor(caller))
    throw denied(`who acts for ${nameOf({ subject: caller.subject })} revokes no device`);
  if (deviceState(device) === 'revoked') return undefined;
  return {
    at: now.toISOString(),
    kind: 'revoked',
    by: named(caller),
    ...(reason === undefined ? {} : { reason }),
  };
}

function denied(message: string, hint?: string): CustodyError {
  return new CustodyError('access-denied', message, hint === undefined ? {} : { hint });
}
