import { CustodyError } from '../errors.ts';
import { canonicalEmail, plainEmail } from './email.ts';
import type { Device, Principal } from './principal.ts';

/** How the claims of an issuer's tokens are read. */
export interface ClaimRules {
  readonly issuer: string;
  readonly name?: string;
  readonly kind?: 'person' | 'workload';
  /** Those that name groups. */
  readonly groupsClaim: string | readonly string[];
  readonly groupsPrefix?: string;
  /** Whether an e-mail address counts of which the token does not say `email_verified`. */
  readonly emailVerified?: 'unless-denied' | 'required' | undefined;
  /** The claim that names the task a token was issued for; none when not given. */
  readonly taskClaim?: string | undefined;
  /** Where the issuer has a directory: the claim that is its externalId. */
  readonly scim?: { readonly userClaim: string } | undefined;
}

type Claims = Readonly<Record<string, unknown>>;

/** Whom a verified token is of. Throws `token-invalid` for claims that are no identity. */
export function principalOf(claims: Claims, rules: ClaimRules, device: Device | undefined): Principal {
  const { sub, exp, amr, iat, sid } = claims;
  const { issuer, taskClaim, emailVerified } = rules;
  const task = taskClaim === undefined ? undefined : claims[taskClaim];
  const expiresAt = new Date(Number(exp) * 1000);
  if (typeof sub !== 'string' || sub === '') throw invalidToken('no sub');
  if (typeof exp !== 'number' || Number.isNaN(expiresAt.getTime()))
    throw invalidToken('no exp that is a time');
  return {
    issuer,
    ...(rules.name === undefined ? {} : { issuerName: rules.name }),
    ...(rules.kind === 'workload' ? { workload: true } : {}),
    subject: sub,
    ...emailOf(claims, emailVerified === 'required'),
    groups: groupsOf(claims, rules),
    expiresAt,
    ...(device === undefined ? {} : { device }),
    ...(typeof task === 'string' ? { task } : {}),
    ...(Array.isArray(amr) && amr.includes('mfa') ? { mfa: true } : {}),
    ...directoryIdOf(claims, rules),
    ...issuedAtOf(iat),
    ...(typeof sid === 'string' && sid !== '' ? { issuerSession: sid } : {}),
  };
}

/** Without the claim nobody could tell whether the person was deactivated. */
function directoryIdOf(claims: Claims, { scim }: ClaimRules): Pick<Principal, 'directoryId'> {
  if (scim === undefined || scim.userClaim === 'sub') return {};
  const id = Object.hasOwn(claims, scim.userClaim) ? claims[scim.userClaim] : undefined;
  if (typeof id === 'string' && id !== '') return { directoryId: id };
  throw new CustodyError('token-invalid', `the token has no claim ${JSON.stringify(scim.userClaim)}`, {
    hint: 'the directory knows people by it: tell whoever runs the identity provider',
  });
}

/** Without a time that can be told, it counts as issued before anything. */
function issuedAtOf(iat: unknown): Pick<Principal, 'issuedAt'> {
  const issuedAt = new Date(typeof iat === 'number' ? iat * 1000 : Number.NaN);
  return Number.isNaN(issuedAt.getTime()) ? {} : { issuedAt };
}

function groupsOf(claims: Claims, { groupsClaim, groupsPrefix = '' }: ClaimRules): string[] {
  const named = [groupsClaim].flat().flatMap((claim) => (Object.hasOwn(claims, claim) ? claims[claim] : []));
  return named.filter((group) => typeof group === 'string').map((group) => `${groupsPrefix}${group}`);
}

/**
 * OpenID Connect Core 1.0 section 5.1. Some issuers say it in a text. Two accounts of one person are told by their address: one
 * that can be written in ways which look alike would make two people of them (security case 11).
 */
function emailOf(
  { email, email_verified: verified }: Claims,
  isRequired: boolean,
): Pick<Principal, 'email' | 'unverifiedEmail'> {
  if (typeof email !== 'string' || email.trim() === '') return {};
  const isVerified = verified === undefined ? !isRequired : verified === true || verified === 'true';
  if (!isVerified) return { unverifiedEmail: canonicalEmail(email) };
  const plain = plainEmail(email);
  if (plain !== undefined) return { email: plain };
  throw new CustodyError(
    'token-invalid',
    'the e-mail address in the token is not one that everybody reads alike',
    {
      hint: 'it may have characters that cannot be seen; tell whoever runs the identity provider',
    },
  );
}

/** The client learns that, not why: the reason would help a forger. `detail`: nothing of the token. */
export function invalidToken(detail: string): CustodyError {
  return new CustodyError('token-invalid', 'the token is not valid here', {
    hint: 'log in again: custody login',
    detail,
  });
}
