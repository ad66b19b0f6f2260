import { decodeJwt } from 'jose';
import { CustodyError } from '#core/errors.ts';
import type { Cli } from './cli.ts';
import { withLock } from './lock.ts';
import { refresh } from './oidc/refresh.ts';
import { storedTokens, storeTokens } from './stored-tokens.ts';

/** A token that ends sooner than this is refreshed before it is used. */
const MARGIN_MS = 60_000;

/** What an ID token says of its person. The CLI does not check signatures: the gateway does. */
export interface Claims {
  readonly issuer: string;
  readonly subject: string;
  readonly email?: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** The token for the API and the gateway: CUSTODY_TOKEN, else that of the last login, refreshed where it ran out. */
export async function currentToken(cli: Cli): Promise<string> {
  const given = cli.env['CUSTODY_TOKEN']?.trim();
  if (given) return unexpired(cli, given);
  const stored = storedTokens(cli);
  if (stored === undefined) throw loggedOut('you are not logged in');
  if (isFresh(cli, stored.idToken)) return stored.idToken;
  return withLock(cli.home, 'tokens', () => refreshed(cli));
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

function unexpired(cli: Cli, token: string): string {
  if (claimsOf(token).expiresAt > cli.now()) return token;
  throw new CustodyError('token-invalid', 'the token in CUSTODY_TOKEN has expired', {
    hint: 'get a new one, or unset CUSTODY_TOKEN and run custody login',
  });
}

function isFresh(cli: Cli, token: string): boolean {
  return claimsOf(token).expiresAt - MARGIN_MS > cli.now();
}

/** Under the lock, as a refresh token may be good for one use: another custody may have just been here. */
async function refreshed(cli: Cli): Promise<string> {
  const stored = storedTokens(cli);
  if (stored === undefined) throw loggedOut('you are not logged in');
  if (isFresh(cli, stored.idToken)) return stored.idToken;
  if (stored.refreshToken === undefined) throw loggedOut('your login has expired');
  const tokens = await refresh(stored, stored.refreshToken).catch((cause: unknown) => {
    throw loggedOut('your login has expired and could not be refreshed', cause);
  });
  storeTokens(cli, tokens);
  return tokens.idToken;
}

function loggedOut(message: string, cause?: unknown): CustodyError {
  const hint = 'run custody login, or set CUSTODY_TOKEN to an ID token';
  return new CustodyError('token-missing', message, { hint, cause });
}
