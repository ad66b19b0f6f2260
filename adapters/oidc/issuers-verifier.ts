import type { IssuerConfig } from '#core/access/config.ts';
import { invalidToken, unfitToken } from '#core/identity/invalid-token.ts';
import { issuerSpellings } from '#core/identity/issuer-spellings.ts';
import type { TokenVerifier } from '#core/identity/principal.ts';
import { isJsonObject, parseJson } from '#core/json.ts';
import { type OidcOptions, oidcTokenVerifier } from './token-verifier.ts';

interface Candidate {
  readonly issuer: IssuerConfig;
  readonly verifier: TokenVerifier;
}

/** Several issuers: which of them a token says it is of decides whose keys, audience and rules it has to meet. */
export function issuersVerifier(
  issuers: readonly IssuerConfig[],
  verifierOf: (options: OidcOptions) => TokenVerifier = oidcTokenVerifier,
): TokenVerifier {
  const candidates = issuers.map((issuer) => ({ issuer, verifier: verifierOf(optionsOf(issuer, issuers)) }));
  return {
    verify: async (token, device) => chosen(candidates, unverifiedClaims(token)).verify(token, device),
  };
}

function optionsOf(issuer: IssuerConfig, all: readonly IssuerConfig[]): OidcOptions {
  const foreignPrefixes = all
    .map(({ groupsPrefix }) => groupsPrefix)
    .filter((prefix) => prefix !== '' && prefix !== issuer.groupsPrefix);
  return { ...issuer, foreignPrefixes, allowHttpLoopback: true };
}

/**
 * Nobody has vouched for these claims yet: they only choose who is to. Where nothing tells the entries of one issuer apart, the first
 * says what is wrong with the token. A token for the audiences of two would be two principals.
 */
function chosen(candidates: readonly Candidate[], { iss, aud }: Unverified): TokenVerifier {
  const ofIssuer = candidates.filter(({ issuer }) =>
    issuerSpellings(issuer.issuer).some((one) => one === iss),
  );
  const audiences: unknown[] = Array.isArray(aud) ? aud : [aud];
  const meant = ofIssuer.filter(({ issuer }) => issuer.audience.some((one) => audiences.includes(one)));
  if (meant.length > 1) throw ambiguous(meant);
  const { verifier } = meant[0] ?? ofIssuer[0] ?? {};
  if (verifier === undefined) throw invalidToken('it is of another issuer');
  return verifier;
}

function ambiguous(meant: readonly Candidate[]): Error {
  return unfitToken(
    'it is for several audiences that are told apart here',
    'get a token for one of them',
    `it is for the audiences of ${meant.map(({ issuer }) => issuer.name).join(' and ')}`,
  );
}

interface Unverified {
  readonly iss?: unknown;
  readonly aud?: unknown;
}

function unverifiedClaims(token: string): Unverified {
  try {
    const claims = parseJson(Buffer.from(token.split('.', 2)[1] ?? '', 'base64url').toString());
    return isJsonObject(claims) ? claims : {};
  } catch {
    return {};
  }
}
