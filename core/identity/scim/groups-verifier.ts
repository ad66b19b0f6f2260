import type { Config, IssuerConfig } from '../../access/config.ts';
import { withTold } from '../added-groups.ts';
import type { CertificateVerifier, Principal, TokenVerifier } from '../principal.ts';
import type { DirectoryGroup } from './group.ts';
import { nameFor } from './kinds.ts';
import { externalIdOf } from './standing.ts';
import type { ScimDirectory, ScimMarks } from './store.ts';

export interface DirectoryGroupsPorts {
  readonly policy: () => Pick<Config, 'issuers'>;
  readonly store: Pick<ScimDirectory, 'find' | 'page'> & Pick<ScimMarks, 'changes'>;
}

/** Groups of one directory that are looked at. Of more, nobody's are all known. */
const GROUPS_MAX = 1_000;

interface Known {
  readonly changes: number;
  /** The names of a user's groups, by the user's id. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
  /** Whether these are all. */
  readonly isWhole: boolean;
}

/** Gives a principal the groups that their issuer's directory tells as well, where the file says that they count. */
export type DirectoryGroups = (principal: Principal) => Promise<Principal>;

export function directoryGroups({ policy, store }: DirectoryGroupsPorts): DirectoryGroups {
  const known = new Map<string, Known>();

  /** Read anew only when a group has changed. */
  async function groupsOf(directory: string): Promise<Known> {
    const changes = await store.changes('Group');
    const before = known.get(directory);
    if (before?.changes === changes) return before;
    const { total, entries } = await store.page(directory, 'Group', 0, GROUPS_MAX);
    const groups = byMember(entries.map(({ resource }) => resource as DirectoryGroup));
    const read = { changes, groups, isWhole: total <= GROUPS_MAX };
    known.set(directory, read);
    return read;
  }

  return async (principal) => {
    const { issuers } = policy();
    const own = issuers.find(({ name }) => name === principal.issuerName);
    if (own?.scim?.groups !== 'also-as-groups') return principal;
    const user = await store.find(own.name, 'User', nameFor('User', 'externalid', externalIdOf(principal))!);
    if (user === undefined) return principal;
    const { groups: all, isWhole } = await groupsOf(own.name);
    const groups = (all.get(user.id) ?? []).map((name) => `${own.groupsPrefix}${name}`);
    const told = groups.filter((group) => !isForeign(group, own, issuers));
    return {
      ...withTold(principal, told),
      ...(isWhole ? {} : { groupsOmittedByIssuer: true as const }),
    };
  };
}

/** A verifier whose principals have those groups. */
export function withDirectoryGroups(verifier: TokenVerifier, groups: DirectoryGroups): TokenVerifier {
  return { verify: async (token, device) => groups(await verifier.verify(token, device)) };
}

/** As `withDirectoryGroups`, for certificates: those in them are from when they were issued, and these are from now. */
export function withGroupsOfNow(
  verifier: CertificateVerifier,
  ...sources: readonly DirectoryGroups[]
): CertificateVerifier {
  return {
    verify: async (certificate, device, clientAddress) => {
      let principal = await verifier.verify(certificate, device, clientAddress);
      for (const groups of sources) principal = await groups(principal);
      return principal;
    },
  };
}

/** An issuer without a prefix makes no groups that begin with another's. */
function isForeign(group: string, own: IssuerConfig, issuers: readonly IssuerConfig[]): boolean {
  return issuers.some(
    ({ name, groupsPrefix: prefix }) =>
      name !== own.name && prefix.length > own.groupsPrefix.length && group.startsWith(prefix),
  );
}

function byMember(groups: readonly DirectoryGroup[]): Known['groups'] {
  const names = new Map<string, string[]>();
  for (const { displayName, members } of groups)
    for (const member of members) names.set(member, [...(names.get(member) ?? []), displayName]);
  return names;
}
