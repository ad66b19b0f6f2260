import type { Claims } from './claims.ts';
import { canonicalEmail, plainEmail } from './email.ts';
import type { Principal } from './principal.ts';
import { refusedToken } from './token-refusals.ts';

/**
 * OpenID Connect Core 1.0 section 5.1. Some issuers say it in a text. Two accounts of one person are told by their address: one
 * that can be written in ways which look alike would make two people of them (security case 11).
 */
export function emailOf(
  { email, email_verified: verified }: Claims,
  isRequired: boolean,
): Pick<Principal, 'email' | 'unverifiedEmail'> {
  if (typeof email !== 'string' || email.trim() === '') return {};
  const isVerified = verified === undefined ? !isRequired : verified === true || verified === 'true';
  if (!isVerified) return { unverifiedEmail: canonicalEmail(email) };
  const plain = plainEmail(email);
  if (plain !== undefined) return { email: plain };
  throw refusedToken(
    'its e-mail address is not one that everybody reads alike',
    'it may have characters that cannot be seen; tell whoever runs the identity provider',
  );
}
