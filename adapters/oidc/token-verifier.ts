import { JwtVerifier } from 'aws-jwt-verify';
import { JwksValidationError } from 'aws-jwt-verify/error';
import { SimpleJwksCache } from 'aws-jwt-verify/jwk';
import { CustodyError } from '#core/errors.ts';
import { type ClaimRules, invalidToken, principalOf } from '#core/identity/from-claims.ts';
import { parseJson } from '#core/json.ts';
import type { Device, Principal, TokenVerifier } from '#core/identity/principal.ts';
import { fetchBounded, isHttpLoopback } from './fetch-bounded.ts';
import { CriticalHeaderError, reasonOf } from './refusals.ts';

const TOKEN_MAX_BYTES = 16 << 10;
/** The library's key cache never expires: keys this old are fetched anew, so that a withdrawn key loses its trust. */
const REFRESH_AFTER_MS = 5 * 60_000;
/** Keys this old verify nothing: a login waits for new ones. Until then it never waits for the issuer. */
const TRUST_FOR_MS = 10 * 60_000;
/** As long as the library waits before it asks again for a key that the issuer does not have. */
const LEFT_ALONE_MS = 10_000;

export interface OidcOptions extends ClaimRules {
  readonly audience: string | readonly string[];
  /** Found by OIDC discovery when not given. */
  readonly jwksUri?: string | undefined;
  /** Plain http is for an issuer on this machine only. */
  readonly allowHttpLoopback: boolean;
  /** Milliseconds; for the age of keys. */
  readonly now?: () => number;
}

interface Trusted {
  readonly verifier: { verify(token: string): Promise<Readonly<Record<string, unknown>>> };
  readonly since: number;
}

/** Verifies ID tokens of one OIDC issuer: signature, algorithm, issuer, audience, times. Keys are fetched lazily. */
export function oidcTokenVerifier(options: OidcOptions): TokenVerifier & ClaimsVerifier {
  const verifier = new OidcTokenVerifier(options);
  return {
    verify: (token, device) => verifier.verify(token, device),
    claims: (token) => verifier.claims(token),
  };
}

/** For tokens of the same issuer that are no ID tokens. */
export interface ClaimsVerifier {
  /** All that `verify` checks but what makes an identity of it. */
  claims(token: string): Promise<Readonly<Record<string, unknown>>>;
}

class OidcTokenVerifier {
  readonly #options: OidcOptions;
  readonly #now: () => number;
  #trusted: Trusted | undefined;
  #refreshing: Promise<Trusted> | undefined;

  constructor(options: OidcOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  async verify(token: string, device?: Device): Promise<Principal> {
    const claims = await this.claims(token);
    return principalOf(claims, this.#options, boundDevice(claims['cnf'], device));
  }

  async claims(token: string): Promise<Readonly<Record<string, unknown>>> {
    if (token.length > TOKEN_MAX_BYTES) throw invalidToken('the token is too long');
    refuseAmbiguous(token);
    const { verifier } = await this.#current();
    return verifier.verify(token).catch((cause: unknown) => {
      throw notVerified(cause);
    });
  }

  async #current(): Promise<Trusted> {
    const age = this.#trusted === undefined ? Infinity : this.#now() - this.#trusted.since;
    if (age < REFRESH_AFTER_MS) return this.#trusted!;
    this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = undefined));
    if (age >= TRUST_FOR_MS) return this.#refreshing;
    this.#refreshing.catch(() => undefined);
    return this.#trusted!;
  }

  async #refresh(): Promise<Trusted> {
    try {
      const since = this.#now();
      this.#trusted = { verifier: await createVerifier(this.#options), since };
      return this.#trusted;
    } catch (cause) {
      throw unreachable(cause);
    }
  }
}

async function createVerifier(options: OidcOptions): Promise<Trusted['verifier']> {
  const { issuer, allowHttpLoopback } = options;
  const audience = [options.audience].flat();
  const jwksUri = options.jwksUri ?? (await discoverJwksUri(issuer, allowHttpLoopback));
  // Only an issuer on this machine may send the gateway to another port of this machine.
  const httpForKeys = allowHttpLoopback && isHttpLoopback(new URL(options.jwksUri ?? issuer));
  const fetcher = keysFetcher((uri) => fetchJson(uri, httpForKeys), options.now);
  const verifier = JwtVerifier.create(
    { issuer, audience, jwksUri, customJwtCheck: ({ header }) => refuseCritical(header) },
    { jwksCache: new SimpleJwksCache({ fetcher }) },
  );
  await verifier.hydrate();
  return { verify: (token) => verifier.verify(token) };
}

/** RFC 7519 section 4: claim names are unique. The library would take the last of two, another reader the first. */
function refuseAmbiguous(token: string): void {
  for (const part of token.split('.').slice(0, 2)) {
    try {
      parseJson(Buffer.from(part, 'base64url').toString());
    } catch {
      throw invalidToken('it is not a JWT');
    }
  }
}

/** The bytes of a JSON document that no two readers read differently. */
async function fetchJson(uri: string, allowHttpLoopback: boolean): ReturnType<typeof fetchBounded> {
  const body = await fetchBounded(uri, allowHttpLoopback);
  parseJson(Buffer.from(body).toString());
  return body;
}

/**
 * A token of a key that is not known yet makes the library ask again. An issuer that has just not answered is left alone for
 * a while, as for keys that it does not have: tokens that anybody can make up shall not make the gateway call it all the time.
 */
function keysFetcher(get: (uri: string) => Promise<ArrayBuffer>, now = () => performance.now()) {
  let failed: { readonly at: number; readonly error: CustodyError } | undefined;
  return {
    fetch: async (uri: string): Promise<ArrayBuffer> => {
      if (failed !== undefined && now() - failed.at < LEFT_ALONE_MS) throw failed.error;
      try {
        return await get(uri);
      } catch (cause) {
        failed = { at: now(), error: unreachable(cause) };
        throw failed.error;
      }
    },
  };
}

/** An issuer that is away says nothing about a token: whoever shows it is not refused for it, and it counts for no guess. */
function notVerified(cause: unknown): CustodyError {
  if (cause instanceof CustodyError) return cause;
  if (cause instanceof JwksValidationError) return unreachable(cause);
  return invalidToken(reasonOf(cause));
}

function unreachable(cause: unknown): CustodyError {
  return new CustodyError(
    'issuer-unreachable',
    'the identity provider cannot be reached to check the token',
    {
      hint: 'try again; if it stays so, tell whoever runs the gateway',
      detail: cause instanceof Error ? cause.message : String(cause),
      cause,
    },
  );
}

/** RFC 7515 section 4.1.11: a header parameter that is critical and not understood makes the token invalid. */
function refuseCritical(header: object): void {
  if ('crit' in header) throw new CriticalHeaderError();
}

/** OpenID Connect Discovery 1.0 section 4: the document must name the issuer it was asked of. */
async function discoverJwksUri(issuer: string, allowHttpLoopback: boolean): Promise<string> {
  const base = issuer.replace(/\/$/, '');
  const body = await fetchBounded(`${base}/.well-known/openid-configuration`, allowHttpLoopback);
  const document = parseJson(Buffer.from(body).toString()) as {
    issuer?: unknown;
    jwks_uri?: unknown;
  } | null;
  if (document?.issuer !== issuer || typeof document.jwks_uri !== 'string') {
    throw new Error('the discovery document is not of this issuer');
  }
  return document.jwks_uri;
}

/**
 * The device that a token is bound to by its certificate (RFC 8705 section 3.1); undefined for a token that anybody may
 * bear. One that is bound to a key this connection did not prove to hold is worth nothing here (security cases 2, 3).
 */
function boundDevice(cnf: unknown, device: Device | undefined): Device | undefined {
  if (cnf === undefined) return undefined;
  const members = typeof cnf === 'object' && cnf !== null ? Object.entries(cnf) : [];
  const [[method, thumbprint] = []] = members;
  if (members.length !== 1 || method !== 'x5t#S256')
    throw invalidToken('cnf is of a kind that is not known here');
  if (device === undefined || device.thumbprint !== thumbprint)
    throw invalidToken('the token is bound to a key that the connection did not prove');
  return device;
}
