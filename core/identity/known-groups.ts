import { listedNow } from './added-groups.ts';
import type { Principal } from './principal.ts';
import { type DirectoryGroupsPorts, directoryGroups } from './scim/groups-verifier.ts';

/** With the groups that are known of somebody who shows no token: those that custody.yaml lists, and those that directories tell. */
export function withoutToken(known: DirectoryGroupsPorts): (principal: Principal) => Promise<Principal> {
  const listed = listedNow(() => known.policy().issuers);
  const told = directoryGroups(known);
  return async (principal) => told(await listed(principal));
}
