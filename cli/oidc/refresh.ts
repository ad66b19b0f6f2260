import { refreshTokenGrant, tokenRevocation } from 'openid-client';
import type { Tokens } from '../stored-tokens.ts';
import { discover } from './discover.ts';
import { tokensFrom } from './tokens-from.ts';

/** New tokens for a refresh token; the old refresh token stays when the issuer gives no new one. */
export async function refresh(stored: Tokens, refreshToken: string): Promise<Tokens> {
  const config = await discover(stored.issuer, stored.clientId);
  const response = await refreshTokenGrant(config, refreshToken);
  return { refreshToken, ...tokensFrom(stored.issuer, stored.clientId, response) };
}

/** Tells the issuer that the login is over (RFC 7009). */
export async function revoke(stored: Tokens): Promise<void> {
  if (stored.refreshToken === undefined) return;
  const config = await discover(stored.issuer, stored.clientId);
  if (config.serverMetadata().revocation_endpoint === undefined) return;
  await tokenRevocation(config, stored.refreshToken, { token_type_hint: 'refresh_token' });
}
