import type { IssuerConfig } from '#core/access/config.ts';
import type { TokenVerifier } from '#core/identity/principal.ts';
import { tokenPart } from '#core/identity/token-part.ts';
import { junkToken } from '#core/identity/token-refusals.ts';
import { Keyring } from './keyring.ts';
import { meantIssuer, type Unverified } from './meant-issuer.ts';
import { headerOf } from './token-form.ts';
import { oidcTokenVerifier } from './token-verifier.ts';

/** Several issuers: which of them a token says it is of decides whose keys, audience and rules it has to meet. */
export function issuersVerifier(issuers: readonly IssuerConfig[], keyring = new Keyring()): TokenVerifier {
  keyring.keep(issuers);
  const verifiers = new Map(
    issuers.map((issuer) => [issuer, verifierOf(issuer, prefixesBeside(issuer, issuers), keyring)]),
  );
  return {
    verify: async (token, device) => {
      const issuer = meantIssuer(issuers, unverifiedClaims(token));
      if (issuer === undefined) {
        headerOf(token); // throws for what is no token, and says what it is
        throw junkToken('it is of an issuer that this gateway does not know');
      }
      return verifiers.get(issuer)!.verify(token, device);
    },
  };
}

function verifierOf(
  issuer: IssuerConfig,
  foreignPrefixes: readonly string[],
  keyring: Keyring,
): TokenVerifier {
  const keys = keyring.of(issuer);
  return oidcTokenVerifier({ ...issuer, foreignPrefixes, allowHttpLoopback: true, keys });
}

function prefixesBeside(issuer: IssuerConfig, all: readonly IssuerConfig[]): string[] {
  const prefixes = all.filter((other) => other !== issuer).map(({ groupsPrefix }) => groupsPrefix);
  return prefixes.filter((prefix) => prefix !== '');
}

/** Nothing where there are none. */
export function unverifiedClaims(token: string): Unverified {
  return tokenPart(token.split('.')[1]) ?? {};
}
