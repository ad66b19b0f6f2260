import type { Person } from '../../access/person.ts';

/**
 * A person's key, by which a connection shows from which device it comes. What was registered never changes; steps are only added, so
 * the number of steps names a version. A key is of one person and is registered once, for ever: one that was revoked may be in
 * anybody's hands.
 */
export interface Device {
  /** `SHA256:…`, the key's fingerprint: the name that every protocol proves it by. */
  readonly id: string;
  readonly owner: Person;
  /** Theirs. */
  readonly name: string;
  /** `ssh-ed25519 AAAA…`, without a comment. */
  readonly publicKey: string;
  readonly kept: KeptKey;
  /** SHA-256 of the challenge that was signed: the same registration again is known by it. */
  readonly challenge: string;
  /** RFC 3339, UTC, milliseconds; as all times here. */
  readonly registeredAt: string;
  /** Reviewers have to approve it. What the configuration asked for when it was registered stays. */
  readonly needsApproval: boolean;
  readonly steps: readonly DeviceStep[];
}

/** How a key is kept, as far as its registration showed. */
export interface KeptKey {
  /** Its private half is in a FIDO authenticator, and each signature needs a touch. */
  readonly fido: boolean;
  /** The authenticator verified its user (PIN, finger) for the registration. */
  readonly userVerified: boolean;
  /** A root that custody.yaml names vouches for the authenticator's make. */
  readonly attested: boolean;
  /** Of an attested one: which model it is, where its maker says so (AAGUID). */
  readonly model?: string;
}

/** What happened to a device. */
export type DeviceStep = { readonly at: string } & (
  | {
      readonly kind: 'approved';
      readonly by: Person;
      /** The reviewer groups they were in. */
      readonly groups: readonly string[];
      /** The approval that was missing: from here on it is registered. */
      readonly last: boolean;
    }
  | { readonly kind: 'revoked'; readonly by: Person; readonly reason?: string }
);

export const deviceStates = ['pending', 'registered', 'revoked'] as const;
/** `pending`: it waits for reviewers, and counts for nothing. */
export type DeviceState = (typeof deviceStates)[number];

/** A device that counts, as those who decide look at it. */
export interface RegisteredDevice {
  readonly id: string;
  readonly owner: Person;
  readonly name: string;
  readonly fido: boolean;
  readonly attested: boolean;
}

export function deviceState({ needsApproval, steps }: Device): DeviceState {
  if (steps.some(({ kind }) => kind === 'revoked')) return 'revoked';
  return needsApproval && !steps.some(isLast) ? 'pending' : 'registered';
}

/** The number of the news that made it count: of its registration (0) or of a step (from 1); undefined where nothing has. */
function newsThatCounts({ needsApproval, steps }: Device): number | undefined {
  if (!needsApproval) return 0;
  const at = steps.findIndex(isLast);
  return at === -1 ? undefined : at + 1;
}

/** Undefined for one that does not count: that waits, is revoked, or of which the ledger's queue does not know yet. */
export function registered(device: Device, told: number): RegisteredDevice | undefined {
  const news = newsThatCounts(device);
  if (deviceState(device) !== 'registered' || news === undefined || told <= news) return undefined;
  const { id, owner, name, kept } = device;
  return { id, owner, name, fido: kept.fido, attested: kept.attested };
}

function isLast(step: DeviceStep): boolean {
  return step.kind === 'approved' && step.last;
}
