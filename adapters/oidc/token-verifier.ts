import { algorithms as allAlgorithms } from '#core/access/identity-schema.ts';
import type { ProvedKey } from '#core/identity/credential.ts';
import { type ClaimRules, principalOf } from '#core/identity/from-claims.ts';
import { issuerSpellings } from '#core/identity/issuer-spellings.ts';
import { LOGOUT_EVENT } from '#core/identity/logout-token.ts';
import type { Principal, TokenVerifier } from '#core/identity/principal.ts';
import { refusedToken, unprovenToken } from '#core/identity/token-refusals.ts';
import { timeOf } from '#core/identity/token-times.ts';
import { isJsonObject, parseJsonBytes } from '#core/json.ts';
import { IssuerKeys } from './issuer-keys.ts';
import { headerOf } from './token-form.ts';

const DAY_MS = 86_400_000;

type Claims = Readonly<Record<string, unknown>>;

export interface OidcOptions extends ClaimRules {
  readonly audience: string | readonly string[];
  /** All that are taken when not given. */
  readonly algorithms?: readonly string[] | undefined;
  /** Found by OIDC discovery when not given. */
  readonly jwksUri?: string | undefined;
  /** In place of `jwksUri`: a file on this machine. */
  readonly jwksFile?: string | undefined;
  /** How long the last keys serve while the issuer is away, milliseconds. */
  readonly keysLastFor?: number;
  /** How far its clock may be off, milliseconds. */
  readonly leeway?: number;
  /** Plain http is for an issuer on this machine only. */
  readonly allowHttpLoopback: boolean;
  /** The wall clock, milliseconds. */
  readonly now?: () => number;
  /** Its own when not given. */
  readonly keys?: IssuerKeys;
}

/**
 * Verifies ID tokens of one OIDC issuer: form, signature, algorithm, issuer, audience, times, in this order. What a token says
 * counts for nothing before its signature is good, also for words about it.
 */
export function oidcTokenVerifier(options: OidcOptions): TokenVerifier {
  const { now = () => Date.now(), leeway = 0 } = options;
  const verified = signedClaims(options);
  return {
    verify: async (token, device) => {
      const claims = await verified(token);
      refuseLogouts(claims);
      const time = timeOf(claims, now(), leeway);
      return { ...principalIn(claims, options, device), ...time };
    },
  };
}

/** The claims of tokens of this issuer for its audiences, whatever they are for. `types`: of headers that name theirs. */
export function signedClaims(options: OidcOptions): (token: string, types?: RegExp) => Promise<Claims> {
  const { issuer, audience, algorithms = allAlgorithms, keysLastFor = DAY_MS } = options;
  const keys = options.keys ?? new IssuerKeys(options, options.now ?? (() => Date.now()));
  return async (token, types) => {
    const header = headerOf(token, types);
    const claims = claimsOf(await keys.verified(token, header, { algorithms, keysLastFor }));
    refuseOthers(claims, issuer, [audience].flat());
    return claims;
  };
}

function claimsOf(bytes: Uint8Array): Claims {
  const claims = parseJsonBytes(bytes, bytes.byteLength);
  if (isJsonObject(claims)) return claims;
  throw refusedToken('it is not a JWT');
}

function principalIn(claims: Claims, options: OidcOptions, device: ProvedKey | undefined): Principal {
  return principalOf(claims, options, boundDevice(claims['cnf'], device));
}

/** It is truly signed, and says so for another one. */
function refuseOthers({ iss, aud }: Claims, issuer: string, audiences: readonly string[]): void {
  // Its issuer may have signed for others with the same key; nobody vouches for that.
  if (!issuerSpellings(issuer).some((one) => one === iss)) throw unprovenToken('it is of another issuer');
  const named: unknown[] = Array.isArray(aud) ? aud : [aud];
  const isMeant =
    named.every((one) => typeof one === 'string') && named.some((one) => audiences.includes(one));
  if (!isMeant) {
    const ours = audiences.slice(0, 3).join(', ');
    throw refusedToken(
      'it is for another audience',
      `give an ID token for ${ours}, not an access token: custody login`,
    );
  }
}

/** Or for another purpose. */
function refuseLogouts({ events }: Claims): void {
  if (isJsonObject(events) && Object.hasOwn(events, LOGOUT_EVENT)) throw refusedToken('it is a logout token');
}

/**
 * The device that a token is bound to by its certificate (RFC 8705 section 3.1); undefined for a token that anybody may
 * bear. One that is bound to a key this connection did not prove to hold is worth nothing here (security cases 2, 3).
 */
function boundDevice(cnf: unknown, device: ProvedKey | undefined): ProvedKey | undefined {
  if (cnf === undefined) return undefined;
  const members = isJsonObject(cnf) ? Object.entries(cnf) : [];
  const [[method, thumbprint] = []] = members;
  if (members.length !== 1 || method !== 'x5t#S256')
    throw refusedToken('it is bound to a key in a way that is not known here');
  if (device === undefined || device.thumbprint !== thumbprint)
    throw refusedToken('it is bound to a key that the connection did not prove');
  return device;
}
