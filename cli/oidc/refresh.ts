import { refreshTokenGrant, type TokenEndpointResponse, tokenRevocation } from 'openid-client';
import type { PersonLogin } from '../stored-tokens.ts';
import { discover } from './discover.ts';

/** What the issuer gives for a refresh token. */
export async function refresh(login: PersonLogin, refreshToken: string): Promise<TokenEndpointResponse> {
  return refreshTokenGrant(await discover(login), refreshToken);
}

/** True when the issuer has said that a refresh token is worth nothing (RFC 6749 section 5.2): it must not see that one again. */
export function isSpent(error: unknown): boolean {
  return (Object(error) as { error?: unknown }).error === 'invalid_grant';
}

/** Tells the issuer that the login is over (RFC 7009). False where it has no place for that. */
export async function revoke(login: PersonLogin, refreshToken: string): Promise<boolean> {
  const config = await discover(login);
  if (config.serverMetadata().revocation_endpoint === undefined) return false;
  await tokenRevocation(config, refreshToken, { token_type_hint: 'refresh_token' });
  return true;
}
