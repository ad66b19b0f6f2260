import { type Claims, claimAt, isElsewhere, typeWords, unfit } from './claims.ts';
import type { Principal } from './principal.ts';

/** How an issuer's groups are read. */
export interface GroupRules {
  /** The claims that name groups. */
  readonly groupsClaim: string | readonly string[];
  /** Stands before each group. */
  readonly groupsPrefix?: string;
  /** What groups of other issuers begin with: none of this one does. */
  readonly foreignPrefixes?: readonly string[];
}

const GROUPS_MAX = 1_000;
/** A distinguished name of a directory fits (RFC 4514). */
const GROUP_MAX = 512;

/**
 * The groups that a token names, each once, and whether its issuer left some out. A claim that is absent, null or empty names none.
 * Throws `token-invalid` for one that is something else than texts: a rule that denies by group would not see it.
 */
export function groupsOf(
  claims: Claims,
  rules: GroupRules,
): Pick<Principal, 'groups' | 'groupsOmittedByIssuer'> {
  const { groupsPrefix = '', foreignPrefixes = [] } = rules;
  const names = [rules.groupsClaim].flat();
  const given = names.flatMap((name) => namesIn(claimAt(claims, name), name));
  const groups = new Set(given.filter((group) => group !== '').map((group) => `${groupsPrefix}${group}`));
  if (groups.size > GROUPS_MAX) throw unfit(names.join(', '), `names more than ${GROUPS_MAX} groups`);
  const own = [...groups].filter((group) => !foreignPrefixes.some((prefix) => group.startsWith(prefix)));
  return {
    groups: own,
    ...(names.some((name) => isElsewhere(claims, name)) ? { groupsOmittedByIssuer: true } : {}),
  };
}

function namesIn(value: unknown, claim: string): readonly string[] {
  if (value === undefined || value === null) return [];
  const wrong = (verb: string, what: string): Error => unfit(claim, `${verb} ${what}, and groups are texts`);
  if (typeof value !== 'string' && !Array.isArray(value)) throw wrong('is', typeWords(value));
  const groups: readonly unknown[] = Array.isArray(value) ? value : [value];
  for (const group of groups) {
    if (typeof group !== 'string') throw wrong('holds', typeWords(group));
    if (group.length > GROUP_MAX) throw unfit(claim, `names a group longer than ${GROUP_MAX} characters`);
  }
  return groups as readonly string[];
}
