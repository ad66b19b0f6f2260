import type { IssuerConfig } from '#core/access/config.ts';
import type { LogoutTokenVerifier } from '#core/identity/logout-token.ts';
import { parseJson } from '#core/json.ts';
import { oidcTokenVerifier } from './token-verifier.ts';

/** Verifiers of logout tokens by the names of their issuers, new ones when an issuer's configuration changes. */
export function logoutVerifiers(): (issuer: IssuerConfig) => LogoutTokenVerifier {
  const made = new Map<string, { readonly of: string; readonly verifier: LogoutTokenVerifier }>();
  return (issuer) => {
    const of = JSON.stringify(issuer);
    const known = made.get(issuer.name);
    if (known?.of === of) return known.verifier;
    const verifier = logoutVerifier(issuer);
    made.set(issuer.name, { of, verifier });
    return verifier;
  };
}

/** By the keys, algorithms and audiences that ID tokens of this issuer are verified by (section 2.6). */
function logoutVerifier(issuer: IssuerConfig): LogoutTokenVerifier {
  const verifier = oidcTokenVerifier({ ...issuer, allowHttpLoopback: true });
  return {
    verify: async (token) => {
      const claims = await verifier.claims(token);
      const header = parseJson(Buffer.from(token.split('.')[0]!, 'base64url').toString());
      return { header: header as Record<string, unknown>, claims };
    },
  };
}
