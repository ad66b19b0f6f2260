import { Authorization, decide } from '#core/access/decide.ts';
import { owns } from '#core/access/own.ts';
import type { Device } from '#core/identity/devices/device.ts';
import { mayApprove } from '#core/identity/devices/lifecycle.ts';
import type { Asking } from '../access/visible.ts';

export type AskingForDevices = Asking;

/** A person's; who acts for them has none. */
export function isOwn({ owner }: Device, { caller, policy }: AskingForDevices): boolean {
  return owns(caller, owner, policy);
}

/** One's own, those one may approve, and all for who administers. */
export function isVisible(device: Device, asking: AskingForDevices): boolean {
  const { caller, policy } = asking;
  return isOwn(device, asking) || mayApprove(device, caller, policy.devices) || mayAdminister(asking);
}

function mayAdminister({ policy, caller: principal, context, now }: AskingForDevices): boolean {
  const question = { policy, principal, action: 'administer' as const, target: '*', context, now };
  return Authorization.isOne(decide(question));
}
