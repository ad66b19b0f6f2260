import { owns } from '#core/access/own.ts';
import type { Device } from '#core/identity/devices/device.ts';
import { mayApprove } from '#core/identity/devices/lifecycle.ts';
import { mayAdminister } from '../access/visible.ts';
import type { Asking } from '../asking.ts';

/** A person's; who acts for them has none. */
export function isOwn({ owner }: Device, { caller, policy }: Asking): boolean {
  return owns(caller, owner, policy);
}

/** One's own, those one may approve, and all for who administers. */
export function isVisible(device: Device, asking: Asking): boolean {
  const { caller, policy } = asking;
  return isOwn(device, asking) || mayApprove(device, caller, policy.devices) || mayAdminister(asking);
}
