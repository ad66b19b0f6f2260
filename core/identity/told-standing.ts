import { certificateStanding } from '../access/ssh-certificates/revocation.ts';
import { deviceStanding } from './devices/standing.ts';
import type { RevokedDevices } from './devices/store.ts';
import { logoutStanding, type NewestLogouts } from './logouts.ts';
import { type ScimStandingPorts, scimStanding } from './scim/standing.ts';
import { anyStanding, type Standing } from './standing.ts';

export interface ToldStandingPorts extends ScimStandingPorts {
  readonly logouts: NewestLogouts;
  readonly devices: RevokedDevices;
}

/**
 * Who had to go by what issuers and their directories told, as far as the configuration in force listens to them, and by what became of
 * their devices and certificates.
 */
export function toldStanding({ logouts, devices, ...directories }: ToldStandingPorts): Standing {
  return anyStanding(
    logoutStanding(logouts, () => directories.policy().issuers),
    scimStanding(directories),
    deviceStanding(devices),
    certificateStanding(logouts),
  );
}
