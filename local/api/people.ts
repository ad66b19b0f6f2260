/** Whom a token is good for: issuers, directories, and what became known since. */
import { currentDirectories } from '#adapters/directory/current-directories.ts';
import type { LocalScim } from '#adapters/local/scim-directory.ts';
import { readDirectorySecret } from '#adapters/local/secret-file.ts';
import type { Keyring } from '#adapters/oidc/keyring.ts';
import { readSecretFile } from '#adapters/webhook/secret-file.ts';
import type { PolicyInForce } from '#core/access/policy.ts';
import type { ScimConfig } from '#core/access/scim-schema.ts';
import { withGroups } from '#core/identity/added-groups.ts';
import type { RevokedDevices } from '#core/identity/devices/store.ts';
import type { Logouts } from '#core/identity/logouts.ts';
import type { TokenVerifier } from '#core/identity/principal.ts';
import { directoryGroups, withDirectoryGroups } from '#core/identity/scim/groups-verifier.ts';
import { standingVerifier } from '#core/identity/standing.ts';
import { toldStanding } from '#core/identity/told-standing.ts';
import type { Running } from '../supervisor/running.ts';
import { awayNews } from './away-news.ts';
import { every, now, trouble } from './keeping.ts';

const ISSUERS_EVERY_MS = 60_000;

export const secretOf = ({ tokenFile = '' }: ScimConfig) => readSecretFile(tokenFile, "a directory's secret");

/** What a token is looked at with. */
export interface Known {
  readonly policy: PolicyInForce;
  readonly logouts: Logouts;
  readonly devices: RevokedDevices;
  readonly directory: LocalScim;
  readonly keyring: Keyring;
  /** For the issuers that the configuration names now. */
  readonly current: () => TokenVerifier;
}

/** Keys are fetched before somebody waits for them, and an issuer that is away is heard of. */
export async function watchIssuers(
  running: Running,
  { keyring, current }: Known,
  say: (line: string) => void,
): Promise<void> {
  const sayAway = awayNews(say);
  await every(running, ISSUERS_EVERY_MS, async () => {
    current(); // so that the keyring has the issuers that the configuration names now
    await keyring.refresh();
    sayAway(keyring.away());
  });
}

/** A good token, with the groups that directories know, of somebody who was not logged out or deactivated since. */
export function verifierOf(
  { policy, logouts, devices, directory, current }: Known,
  say: (line: string) => void,
): () => TokenVerifier {
  const issuers = () => policy.config.issuers;
  const directoryOf = currentDirectories({
    readSecret: readDirectorySecret,
    wallClock: now,
    onTrouble: trouble("an issuer's directory cannot be asked", say),
  });
  const looking = withGroups(current, issuers, directoryOf);
  const scim = scimOf({ policy, directory });
  const groups = directoryGroups(scim);
  const standing = toldStanding({ ...scim, logouts, devices });
  return () => withDirectoryGroups(standingVerifier(looking(), standing), groups);
}

export function scimOf({ policy, directory }: Pick<Known, 'policy' | 'directory'>) {
  return { policy: () => policy.config, store: directory };
}
