import type { IssuerConfig } from '#core/access/config.ts';
import { invalidToken } from '#core/identity/from-claims.ts';
import type { TokenVerifier } from '#core/identity/principal.ts';
import { parseJson } from '#core/json.ts';
import { oidcTokenVerifier } from './token-verifier.ts';

/** Several issuers: which of them a token says it is of decides whose keys, audience and rules it has to meet. */
export function issuersVerifier(issuers: readonly IssuerConfig[]): TokenVerifier {
  const verifiers = issuers.map((issuer) => ({
    issuer,
    verifier: oidcTokenVerifier({ ...issuer, allowHttpLoopback: true }),
  }));
  return {
    verify: (token, device) => {
      const { iss, aud } = unverifiedClaims(token);
      const ofIssuer = verifiers.filter(({ issuer }) => issuer.issuer === iss);
      const meant = ofIssuer.find(({ issuer }) =>
        [aud].flat().some((one) => issuer.audience.includes(String(one))),
      );
      const { verifier } = meant ?? ofIssuer[0] ?? {};
      if (verifier === undefined) return Promise.reject(invalidToken('it is of another issuer'));
      return verifier.verify(token, device);
    },
  };
}

/** What nobody has vouched for yet: good for choosing who is to. */
function unverifiedClaims(token: string): { readonly iss?: unknown; readonly aud?: unknown } {
  try {
    const claims = parseJson(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    return typeof claims === 'object' && claims !== null ? claims : {};
  } catch {
    return {};
  }
}
