import * as oauth from 'oauth4webapi';
import { Problem } from '../api/problem.ts';
import type { PersonIssuer } from '../api/types.ts';

/** In memory alone. */
export interface Tokens {
  /** What goes to the gateway. */
  readonly token: string;
  readonly refresh: string | undefined;
  /** When the token is over, milliseconds since 1970. */
  readonly expiresAt: number;
  /** Whose they are; undefined where the issuer sent no ID token. */
  readonly subject: string | undefined;
}

export function tokensOf({ token: which }: PersonIssuer, result: oauth.TokenEndpointResponse): Tokens {
  const token = which === 'access' ? result.access_token : result.id_token;
  if (token === undefined) throw new Problem('token-missing', 'the identity provider sent no ID token');
  return {
    token,
    refresh: result.refresh_token,
    expiresAt: expiryOf(token),
    subject: oauth.getValidatedIdTokenClaims(result)?.sub,
  };
}

/** What came in their place: of the same person, or of none (OpenID Connect Core, section 12.2). */
export function renewed(before: Tokens, after: Tokens): Tokens {
  if (before.subject !== undefined && after.subject !== undefined && before.subject !== after.subject)
    throw new Problem('token-invalid', 'the identity provider answered for somebody else');
  return { ...after, refresh: after.refresh ?? before.refresh, subject: after.subject ?? before.subject };
}

/** What the token says of itself; the gateway verifies it. */
function expiryOf(token: string): number {
  const exp = claimsOf(token)['exp'];
  if (typeof exp === 'number') return exp * 1000;
  throw new Problem('token-invalid', 'the token of the identity provider does not say when it is over', {
    hint: 'an access token has to be a JWT; the operator may choose the ID token: login: { token: id }',
  });
}

function claimsOf(token: string): Readonly<Record<string, unknown>> {
  try {
    const [, payload = ''] = token.split('.');
    const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (c) =>
      c.charCodeAt(0),
    );
    return JSON.parse(new TextDecoder().decode(bytes)) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}
