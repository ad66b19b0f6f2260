import type { GroupDirectory } from './directory.ts';
import type { Principal, TokenVerifier } from './principal.ts';
import { tokenPart } from './token-part.ts';

/** What is said beside its tokens of who is in which of an issuer's groups. */
export interface GroupSource {
  readonly name: string;
  readonly groupsPrefix: string;
  /** Groups by their names, and who is in them. */
  readonly members?: Readonly<Record<string, readonly Member[]>> | undefined;
  readonly directory?: { readonly when: 'always' | 'when-omitted' } | undefined;
}

/** By an address that the issuer vouches for, in its canonical form; or by the subject. */
export type Member = { readonly email: string } | { readonly subject: string };

/**
 * A verifier whose principals have the groups that custody.yaml lists them in, and those of the issuer's directory: in place of
 * the token's, or only where the issuer left them out. They get the issuer's prefix. Live sessions keep the groups of their login.
 */
export function withGroups<Source extends GroupSource>(
  verifier: () => TokenVerifier,
  sources: () => readonly Source[],
  directoryOf: (source: Source) => GroupDirectory | undefined,
): () => TokenVerifier {
  return () => ({
    verify: async (token, device) => {
      const [current, known] = [verifier(), sources()];
      const principal = await current.verify(token, device);
      const source = known.find(({ name }) => name === principal.issuerName);
      if (source === undefined) return principal;
      const own = await groupsBesideMembers(principal, source, directoryOf(source), token, known);
      return withTold(own, named(listedGroups(principal, source), source, known));
    },
  });
}

/** Those that custody.yaml lists, as it is now, for a principal that was verified before. */
export function listedNow(
  sources: () => readonly GroupSource[],
): (principal: Principal) => Promise<Principal> {
  return async (principal) => {
    const known = sources();
    const source = known.find(({ name }) => name === principal.issuerName);
    return source === undefined
      ? principal
      : withTold(principal, named(listedGroups(principal, source), source, known));
  };
}

/** With groups that no token says: which these are is kept, for they may be others tomorrow. */
export function withTold(principal: Principal, groups: readonly string[]): Principal {
  const { groups: before, toldGroups = [] } = principal;
  const told = [...new Set(groups)].filter((group) => !before.includes(group));
  if (told.length === 0) return principal;
  return { ...principal, groups: [...before, ...told], toldGroups: [...toldGroups, ...told] };
}

async function groupsBesideMembers(
  principal: Principal,
  source: GroupSource,
  directory: GroupDirectory | undefined,
  token: string,
  known: readonly GroupSource[],
): Promise<Principal> {
  const { groupsOmittedByIssuer, ...told } = principal;
  const isAsked = source.directory?.when === 'always' || groupsOmittedByIssuer === true;
  if (directory === undefined || !isAsked) return principal;
  const { subject, email } = principal;
  const person = { subject, ...(email === undefined ? {} : { email }), claims: verifiedClaims(token) };
  return { ...told, groups: named(await directory.groupsOf(person), source, known) };
}

function listedGroups({ subject, email }: Principal, { members = {} }: GroupSource): string[] {
  const isListed = (member: Member): boolean =>
    'email' in member ? member.email === email : member.subject === subject;
  return Object.keys(members).filter((group) => members[group]!.some(isListed));
}

/** With the prefix; an issuer without one cannot make groups of another's. */
function named(
  groups: readonly string[],
  { groupsPrefix }: GroupSource,
  known: readonly GroupSource[],
): string[] {
  if (groupsPrefix !== '') return groups.map((group) => `${groupsPrefix}${group}`);
  const others = known.map((other) => other.groupsPrefix).filter((prefix) => prefix !== '');
  return groups.filter((group) => !others.some((prefix) => group.startsWith(prefix)));
}

/** Of a token that was verified a moment ago, by the same reader. */
function verifiedClaims(token: string): Readonly<Record<string, unknown>> {
  return tokenPart(token.split('.')[1]) ?? {};
}
