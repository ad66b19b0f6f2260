import { actorsOf } from './actors.ts';
import { type Claims, claimAt } from './claims.ts';
import type { ProvedKey } from './credential.ts';
import { emailOf } from './email-claim.ts';
import { type GroupRules, groupsOf } from './groups.ts';
import { keptClaims, type Match, refuseUnmatched } from './kept-claims.ts';
import type { Principal } from './principal.ts';
import { misissuedToken, refusedToken } from './token-refusals.ts';

/** How the claims of an issuer's tokens are read. */
export interface ClaimRules extends GroupRules {
  readonly issuer: string;
  readonly name?: string;
  readonly kind?: 'person' | 'workload';
  /** What must be in a token. */
  readonly match?: Match | undefined;
  /** The claims that rules name. */
  readonly keptClaims?: readonly string[];
  /** Whether an e-mail address counts of which the token does not say `email_verified`. */
  readonly emailVerified?: 'unless-denied' | 'required' | undefined;
  /** The claim that names the task a token was issued for; none when not given. */
  readonly taskClaim?: string | undefined;
  /** Where the issuer has a directory: the claim that is its externalId. */
  readonly scim?: { readonly userClaim: string } | undefined;
}

/** A service account of Kubernetes has up to 338 characters; what stands for nobody else is not cut. */
const SUBJECT_MAX = 512;
const SESSION_MAX = 512;

/** Whom a verified token is of. Throws `token-invalid` for claims that are no identity, or not one that `match` takes. */
export function principalOf(claims: Claims, rules: ClaimRules, device: ProvedKey | undefined): Principal {
  const { issuer, name, kind, emailVerified } = rules;
  refuseEvent(claims);
  const address = emailOf(claims, emailVerified === 'required');
  const actors = actorsOf(claims, issuer);
  return {
    issuer,
    ...(name === undefined ? {} : { issuerName: name }),
    ...(kind === 'workload' ? { workload: true } : {}),
    subject: subjectOf(claims),
    ...address,
    ...groupsOf(claims, rules),
    ...claimsOf(claims, rules, address),
    ...(actors.length === 0 ? {} : { actors }),
    expiresAt: expiryOf(claims),
    ...(device === undefined ? {} : { device }),
    ...directoryIdOf(claims, rules),
    ...circumstancesOf(claims, rules),
  };
}

/** Without the claim nobody could tell whether the person was deactivated. */
function directoryIdOf(claims: Claims, { scim }: ClaimRules): Pick<Principal, 'directoryId'> {
  if (scim === undefined || scim.userClaim === 'sub') return {};
  const id = claimAt(claims, scim.userClaim);
  if (typeof id === 'string' && id !== '') return { directoryId: id };
  throw misissuedToken(
    `it has no claim ${JSON.stringify(scim.userClaim)}, by which the directory knows people`,
  );
}

/**
 * A logout token is signed by the same keys for the same audience (OpenID Connect Back-Channel Logout 1.0 section 2.4), and so may
 * other security events be (RFC 8417 section 2.2): they say that something happened to somebody, and not who shows them.
 */
function refuseEvent(claims: Claims): void {
  if (Object.hasOwn(claims, 'events'))
    throw refusedToken('it tells of an event, such as a logout, and names nobody to log in');
}

function subjectOf({ sub }: Claims): string {
  if (typeof sub !== 'string' || sub === '') throw misissuedToken('it names nobody');
  if (sub.length > SUBJECT_MAX)
    throw misissuedToken(`its claim sub is longer than ${SUBJECT_MAX} characters`);
  // Two of these would be one in evidence.
  if (!sub.isWellFormed()) throw misissuedToken('its claim sub is not Unicode');
  return sub;
}

function expiryOf({ exp }: Claims): Date {
  const expiresAt = timeOf(exp);
  if (expiresAt === undefined) throw misissuedToken('it does not say when it expires');
  return expiresAt;
}

/** RFC 7519 section 2, NumericDate. */
function timeOf(seconds: unknown): Date | undefined {
  if (typeof seconds !== 'number') return undefined;
  const time = new Date(seconds * 1000);
  return Number.isNaN(time.getTime()) ? undefined : time;
}

function claimsOf(
  claims: Claims,
  rules: ClaimRules,
  address: ReturnType<typeof emailOf>,
): Pick<Principal, 'claims'> {
  const { match = {}, keptClaims: named = [], issuer, name = issuer } = rules;
  const names = new Set([...Object.keys(match), ...named]);
  if (names.size === 0) return {};
  const kept = keptClaims(claims, [...names], address);
  refuseUnmatched(kept, match, name);
  return { claims: kept };
}

/**
 * What else rules and logouts look at. A `sid` that is no text, or too long to keep, names no session: a logout then ends those of
 * its `sub` (OpenID Connect Back-Channel Logout 1.0 section 2.6).
 */
function circumstancesOf(claims: Claims, { taskClaim }: ClaimRules): Partial<Principal> {
  const { amr, iat, sid } = claims;
  const task = taskClaim === undefined ? undefined : claimAt(claims, taskClaim);
  const issuedAt = timeOf(iat);
  return {
    ...(typeof task === 'string' ? { task } : {}),
    ...(Array.isArray(amr) && amr.includes('mfa') ? { mfa: true } : {}),
    ...(issuedAt === undefined ? {} : { issuedAt }),
    ...(typeof sid === 'string' && sid !== '' && sid.length <= SESSION_MAX ? { issuerSession: sid } : {}),
  };
}
