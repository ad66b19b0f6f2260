import type { IssuerConfig } from '#core/access/config.ts';
import { issuerSpellings } from '#core/identity/issuer-spellings.ts';
import { junkToken } from '#core/identity/token-refusals.ts';

/** What a token says before anybody has vouched for it: good for choosing who is to. */
export interface Unverified {
  readonly iss?: unknown;
  readonly aud?: unknown;
}

/**
 * Which entry of custody.yaml a token has to satisfy: the one of its issuer, and of its audience where an issuer has several. Where it
 * is for none of them, the first is to say so. Undefined for an issuer that is not in the file. A token for the audiences of two
 * entries would be two principals, and is refused. `azp` says whom the token was given to, and is not looked at: Dex, Google and
 * Keycloak give tokens for one client to another (OpenID Connect Core 1.0 section 3.1.3.7); `match` can ask for it.
 */
export function meantIssuer(
  issuers: readonly IssuerConfig[],
  { iss, aud }: Unverified,
): IssuerConfig | undefined {
  const ofIssuer = issuers.filter(({ issuer }) => issuerSpellings(issuer).some((one) => one === iss));
  const audiences: unknown[] = Array.isArray(aud) ? aud : [aud];
  const meant = ofIssuer.filter(({ audience }) => audience.some((one) => audiences.includes(one)));
  if (meant.length > 1)
    throw junkToken('it is for several audiences that are told apart here', 'get a token for one of them');
  return meant[0] ?? ofIssuer[0];
}
