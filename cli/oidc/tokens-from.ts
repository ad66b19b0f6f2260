import type { TokenEndpointResponse } from 'openid-client';
import { CustodyError } from '#core/errors.ts';
import type { Plan } from './plan.ts';

/** What of a token response is kept. */
export interface Tokens {
  readonly token: string;
  readonly refreshToken?: string;
}

/** Throws `token-invalid` when the issuer gave none of the kind that is wanted. */
export function tokensFrom(kind: Plan['token'], response: TokenEndpointResponse): Tokens {
  const token = tokenOf(kind, response);
  const { refresh_token: refreshToken } = response;
  if (token === undefined)
    throw new CustodyError('token-invalid', 'the identity provider gave no ID token', {
      hint: 'it has to be asked for the scope openid: see login.scopes in custody.yaml, or custody login --scope',
    });
  return { token, ...(refreshToken !== undefined && { refreshToken }) };
}

/** An answer to a refresh may have no ID token (OpenID Connect Core 1.0 section 12.2). */
export function tokenOf(kind: Plan['token'], response: TokenEndpointResponse): string | undefined {
  return kind === 'id' ? response.id_token : response.access_token;
}
