import type { DevicesConfig } from '#core/access/devices-schema.ts';
import { DeviceDesk } from '#core/identity/devices/desk.ts';
import { DEVICE_NAMESPACE, type Registration } from '#core/identity/devices/registration.ts';
import type { Principal } from '#core/identity/principal.ts';
import { MemoryDevices } from '#test/support/memory-devices.ts';
import { MemoryLeaves } from '#test/support/memory-ports.ts';
import { SoftwareAuthenticator } from '#test/support/software-authenticator.ts';

export const NOW = new Date('2026-11-23T09:00:00.000Z');
export const ISSUER = 'https://id.example';

export const person = (subject: string, more: Partial<Principal> = {}): Principal => ({
  issuer: ISSUER,
  subject,
  groups: [],
  expiresAt: new Date(NOW.getTime() + 3_600_000),
  ...more,
});
export const lead = (subject: string): Principal => person(subject, { groups: ['leads'] });

export const approvedBy = (approvals = 1): DevicesConfig => ({
  approval: { reviewers: { any: ['leads'] }, approvals },
});

/** A desk whose clock stands. */
export function desk() {
  const devices = new MemoryDevices();
  const leaves = new MemoryLeaves();
  const clock = { now: NOW };
  return { devices, leaves, clock, desk: new DeviceDesk({ devices, leaves, now: () => clock.now }) };
}

/** What somebody sends who holds the key. */
export function answered(
  challenge: string,
  key = new SoftwareAuthenticator(),
  name = 'notebook',
): Registration {
  return { name, publicKey: key.line, challenge, signature: key.sshsig(challenge, DEVICE_NAMESPACE) };
}
