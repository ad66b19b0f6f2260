import type { IssuerConfig } from '#core/access/config.ts';
import type { LogoutTokenVerifier } from '#core/identity/logout-token.ts';
import { tokenPart } from '#core/identity/token-part.ts';
import { refusedToken } from '#core/identity/token-refusals.ts';
import { unverifiedClaims } from './issuers-verifier.ts';
import type { Keyring } from './keyring.ts';
import { meantIssuer } from './meant-issuer.ts';
import { signedClaims } from './token-verifier.ts';

/** OpenID Connect Back-Channel Logout 1.0 section 2.4. Issuers of before set the usual type. */
const TYPES = /^(?:application\/)?(?:logout\+)?jwt$/i;

/** Verifiers of logout tokens: by the keys, algorithms and audiences that their issuer's ID tokens are verified by (section 2.6). */
export function logoutVerifiers(keyring: Keyring): (issuer: IssuerConfig) => LogoutTokenVerifier {
  return (issuer) => {
    const verified = signedClaims({ ...issuer, allowHttpLoopback: true, keys: keyring.of(issuer) });
    return {
      verify: async (token) => {
        refuseOthers(token, issuer);
        const claims = await verified(token, TYPES);
        return { header: headerIn(token), claims };
      },
    };
  };
}

/**
 * What a provider signed for another of its tenants comes from the address that this one's logouts come from: it is refused, and
 * is no guess, or any tenant could keep out those of all.
 */
function refuseOthers(token: string, issuer: IssuerConfig): void {
  const claims = unverifiedClaims(token);
  if (typeof claims.iss === 'string' && meantIssuer([issuer], claims) === undefined)
    throw refusedToken('it is of another issuer');
}

/** It was read once, in the same way. */
function headerIn(token: string): Readonly<Record<string, unknown>> {
  return tokenPart(token.split('.')[0])!;
}
