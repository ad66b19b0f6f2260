import type { Config, IssuerConfig } from '../../access/config.ts';
import type { Principal, TokenVerifier } from '../principal.ts';
import { nameFor } from './kinds.ts';
import { externalIdOf } from './standing.ts';
import type { DirectoryGroup } from './group.ts';
import type { ScimDirectory, ScimMarks } from './store.ts';

export interface DirectoryGroupsPorts {
  readonly policy: () => Pick<Config, 'issuers'>;
  readonly store: Pick<ScimDirectory, 'find' | 'page'> & Pick<ScimMarks, 'changes'>;
}

/** Groups of one directory: more are refused by nobody, and count for nobody. */
const GROUPS_MAX = 1_000;

interface Known {
  readonly changes: number;
  /** The names of a user's groups, by the user's id. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
}

/** Gives a principal the groups that their issuer's directory tells as well, where the file says that they count. */
export type DirectoryGroups = (principal: Principal) => Promise<Principal>;

export function directoryGroups({ policy, store }: DirectoryGroupsPorts): DirectoryGroups {
  const known = new Map<string, Known>();

  /** Read anew only when a group has changed. */
  async function groupsOf(directory: string): Promise<Known['groups']> {
    const changes = await store.changes('Group');
    const before = known.get(directory);
    if (before?.changes === changes) return before.groups;
    const { entries } = await store.page(directory, 'Group', 0, GROUPS_MAX);
    const groups = byMember(entries.map(({ resource }) => resource as DirectoryGroup));
    known.set(directory, { changes, groups });
    return groups;
  }

  return async (principal) => {
    const { issuers } = policy();
    const own = issuers.find(({ name }) => name === principal.issuerName);
    if (own?.scim?.groups !== 'also-as-groups') return principal;
    const user = await store.find(own.name, 'User', nameFor('User', 'externalid', externalIdOf(principal))!);
    if (user === undefined) return principal;
    const names = (await groupsOf(own.name)).get(user.id) ?? [];
    const groups = names.map((name) => `${own.groupsPrefix}${name}`);
    const told = groups.filter((group) => !isForeign(group, own, issuers));
    return { ...principal, groups: [...new Set([...principal.groups, ...told])] };
  };
}

/** A verifier whose principals have those groups. */
export function withDirectoryGroups(verifier: TokenVerifier, groups: DirectoryGroups): TokenVerifier {
  return { verify: async (token, device) => groups(await verifier.verify(token, device)) };
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
