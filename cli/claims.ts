import { decodeJwt } from 'jose';
import { CustodyError } from '#core/errors.ts';

/** What an ID token says of its person. The CLI does not check signatures: the gateway does. */
export interface Claims {
  readonly issuer: string;
  readonly subject: string;
  readonly email?: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** Throws `token-invalid` when it is not an ID token. */
export function claimsOf(token: string): Claims {
  try {
    const { iss, sub, exp, email } = decodeJwt(token);
    if (iss !== undefined && sub !== undefined && exp !== undefined) {
      return {
        issuer: iss,
        subject: sub,
        ...(typeof email === 'string' && { email }),
        expiresAt: exp * 1000,
      };
    }
  } catch {
    // Said below, like a token without a person or an end.
  }
  throw new CustodyError('token-invalid', 'the token is not an ID token', {
    hint: 'CUSTODY_TOKEN takes an ID token (a JWT); without it, custody login gets one',
  });
}
