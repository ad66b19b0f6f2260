import type { IssuerConfig } from '#core/access/config.ts';
import type { LogoutTokenVerifier } from '#core/identity/logout-token.ts';
import { parseJson } from '#core/json.ts';
import type { Keyring } from './keyring.ts';
import { signedClaims } from './token-verifier.ts';

/** OpenID Connect Back-Channel Logout 1.0 section 2.4. Issuers of before set the usual type. */
const TYPES = /^(?:application\/)?(?:logout\+)?jwt$/i;

/** Verifiers of logout tokens: by the keys, algorithms and audiences that their issuer's ID tokens are verified by (section 2.6). */
export function logoutVerifiers(keyring: Keyring): (issuer: IssuerConfig) => LogoutTokenVerifier {
  return (issuer) => {
    const verified = signedClaims({ ...issuer, allowHttpLoopback: true, keys: keyring.of(issuer) });
    return {
      verify: async (token) => {
        const claims = await verified(token, TYPES);
        return { header: headerIn(token), claims };
      },
    };
  };
}

/** It was read once, in the same way. */
function headerIn(token: string): Readonly<Record<string, unknown>> {
  return parseJson(Buffer.from(token.split('.')[0]!, 'base64url').toString()) as Record<string, unknown>;
}
