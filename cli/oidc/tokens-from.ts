import type { TokenEndpointResponse } from 'openid-client';
import { CustodyError } from '#core/errors.ts';
import type { Tokens } from '../stored-tokens.ts';

/** What of a token response is kept. Throws `token-invalid` when the issuer gave no ID token. */
export function tokensFrom(issuer: string, clientId: string, response: TokenEndpointResponse): Tokens {
  const { id_token: idToken, refresh_token: refreshToken } = response;
  if (idToken === undefined)
    throw new CustodyError('token-invalid', 'the identity provider gave no ID token');
  return { issuer, clientId, idToken, ...(refreshToken !== undefined && { refreshToken }) };
}
