import type { z } from 'zod';
import { personOf } from '#core/access/person.ts';
import { type Device, deviceState } from '#core/identity/devices/device.ts';
import { mayApprove } from '#core/identity/devices/lifecycle.ts';
import type { Asking } from '../asking.ts';
import type { deviceShape } from './shapes.ts';

/** A device as the caller is shown it. */
export function deviceAnswer(device: Device, { caller, policy }: Asking): z.input<typeof deviceShape> {
  const { id, name, publicKey, owner, registeredAt, kept, steps } = device;
  const { approval } = policy.devices;
  const state = deviceState(device);
  const revoked = steps.find((step) => step.kind === 'revoked');
  const isWaiting = state === 'pending' && approval !== undefined;
  return {
    ...{ id, name, publicKey, registeredAt, state, ...kept },
    type: publicKey.slice(0, publicKey.indexOf(' ')),
    owner: personOf(owner),
    approvals: steps
      .filter((step) => step.kind === 'approved')
      .map(({ by, at, groups }) => ({ by: personOf(by), at, groups })),
    ...(isWaiting ? { needs: { approvals: approval.approvals, ...approval.reviewers } } : {}),
    ...(revoked === undefined ? {} : { revoked: { ...revoked, by: personOf(revoked.by) } }),
    mayApprove: isWaiting && mayApprove(device, caller, policy.devices),
  };
}
