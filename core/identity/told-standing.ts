import { certificateStanding } from '../access/ssh-certificates/revocation.ts';
import { logoutStanding, type NewestLogouts } from './logouts.ts';
import { scimStanding, type ScimStandingPorts } from './scim/standing.ts';
import { anyStanding, type Standing } from './standing.ts';

export interface ToldStandingPorts extends ScimStandingPorts {
  readonly logouts: NewestLogouts;
}

/**
 * Who had to go by what issuers and their directories told, as far as the configuration in force listens to them, and whose
 * certificate was revoked.
 */
export function toldStanding({ logouts, ...directories }: ToldStandingPorts): Standing {
  return anyStanding(
    logoutStanding(logouts, () => directories.policy().issuers),
    scimStanding(directories),
    certificateStanding(logouts),
  );
}
