import type { IssuerConfig } from '#core/access/config.ts';
import { invalidToken } from '#core/identity/invalid-token.ts';
import type { TokenVerifier } from '#core/identity/principal.ts';
import { isJsonObject, parseJson } from '#core/json.ts';
import { meantIssuer, type Unverified } from './meant-issuer.ts';
import { oidcTokenVerifier } from './token-verifier.ts';

/** Several issuers: which of them a token says it is of decides whose keys, audience and rules it has to meet. */
export function issuersVerifier(issuers: readonly IssuerConfig[]): TokenVerifier {
  const verifiers = new Map(
    issuers.map((issuer) => {
      const foreignPrefixes = prefixesBeside(issuer, issuers);
      return [issuer, oidcTokenVerifier({ ...issuer, foreignPrefixes, allowHttpLoopback: true })];
    }),
  );
  return {
    verify: async (token, device) => {
      const issuer = meantIssuer(issuers, unverifiedClaims(token));
      if (issuer === undefined) throw invalidToken('it is of another issuer');
      return verifiers.get(issuer)!.verify(token, device);
    },
  };
}

function prefixesBeside(issuer: IssuerConfig, all: readonly IssuerConfig[]): string[] {
  const prefixes = all.filter((other) => other !== issuer).map(({ groupsPrefix }) => groupsPrefix);
  return prefixes.filter((prefix) => prefix !== '');
}

function unverifiedClaims(token: string): Unverified {
  try {
    const claims = parseJson(Buffer.from(token.split('.', 2)[1] ?? '', 'base64url').toString());
    return isJsonObject(claims) ? claims : {};
  } catch {
    return {};
  }
}
