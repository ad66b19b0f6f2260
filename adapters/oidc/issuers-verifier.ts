import type { IssuerConfig } from '#core/access/config.ts';
import type { TokenVerifier } from '#core/identity/principal.ts';
import { junkToken } from '#core/identity/token-refusals.ts';
import { parseJson } from '#core/json.ts';
import { Keyring } from './keyring.ts';
import { headerOf } from './token-form.ts';
import { oidcTokenVerifier } from './token-verifier.ts';

/** Several issuers: which of them a token says it is of decides whose keys, audience and rules it has to meet. */
export function issuersVerifier(issuers: readonly IssuerConfig[], keyring = new Keyring()): TokenVerifier {
  keyring.keep(issuers);
  const verifiers = issuers.map((issuer) => ({
    issuer,
    verifier: oidcTokenVerifier({ ...issuer, allowHttpLoopback: true, keys: keyring.of(issuer) }),
  }));
  return {
    verify: async (token, device) => {
      headerOf(token); // throws for what is no token, and says what it is
      const { iss, aud } = unverifiedClaims(token);
      const ofIssuer = verifiers.filter(({ issuer }) => issuer.issuer === iss);
      const meant = ofIssuer.find(({ issuer }) =>
        [aud].flat().some((one) => issuer.audience.includes(String(one))),
      );
      const { verifier } = meant ?? ofIssuer[0] ?? {};
      if (verifier === undefined) throw junkToken('it is of an issuer that this gateway does not know');
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
