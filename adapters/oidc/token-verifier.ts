import { JwtVerifier } from 'aws-jwt-verify';
import { SimpleJwksCache } from 'aws-jwt-verify/jwk';
import { CustodyError } from '#core/errors.ts';
import type { Principal, TokenVerifier } from '#core/identity/principal.ts';
import { fetchBounded } from './fetch-bounded.ts';

const TOKEN_MAX_BYTES = 16 << 10;
/** The library's key cache never expires: keys are fetched anew after this, so that a withdrawn key loses its trust. */
const REFRESH_AFTER_MS = 5 * 60_000;
/** Keys that cannot be refreshed are trusted for no longer than this. */
const TRUST_FOR_MS = 10 * 60_000;

export interface OidcOptions {
  readonly issuer: string;
  readonly audience: string;
  readonly groupsClaim: string;
  /** Found by OIDC discovery when not given. */
  readonly jwksUri?: string;
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
export function oidcTokenVerifier(options: OidcOptions): TokenVerifier {
  const verifier = new OidcTokenVerifier(options);
  return { verify: (token) => verifier.verify(token) };
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

  async verify(token: string): Promise<Principal> {
    if (token.length > TOKEN_MAX_BYTES) throw invalidToken('the token is too long');
    const { verifier } = await this.#current();
    const claims = await verifier.verify(token).catch((cause: unknown) => {
      throw invalidToken(cause instanceof Error ? cause.message : String(cause), cause);
    });
    return toPrincipal(claims, this.#options);
  }

  async #current(): Promise<Trusted> {
    const age = this.#trusted === undefined ? Infinity : this.#now() - this.#trusted.since;
    if (age < REFRESH_AFTER_MS) return this.#trusted!;
    this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = undefined));
    if (age >= TRUST_FOR_MS) return this.#refreshing;
    return this.#refreshing.catch(() => this.#trusted!);
  }

  async #refresh(): Promise<Trusted> {
    try {
      const since = this.#now();
      this.#trusted = { verifier: await createVerifier(this.#options), since };
      return this.#trusted;
    } catch (cause) {
      throw new CustodyError('token-invalid', 'the identity provider cannot be reached to check the token', {
        hint: 'try again; if it stays so, tell whoever runs the gateway',
        detail: cause instanceof Error ? cause.message : String(cause),
        cause,
      });
    }
  }
}

async function createVerifier(options: OidcOptions): Promise<Trusted['verifier']> {
  const { issuer, audience, allowHttpLoopback } = options;
  const jwksUri = options.jwksUri ?? (await discoverJwksUri(issuer, allowHttpLoopback));
  const fetcher = { fetch: (uri: string) => fetchBounded(uri, allowHttpLoopback) };
  const verifier = JwtVerifier.create(
    { issuer, audience, jwksUri },
    { jwksCache: new SimpleJwksCache({ fetcher }) },
  );
  await verifier.hydrate();
  return { verify: (token) => verifier.verify(token) };
}

/** OpenID Connect Discovery 1.0 section 4: the document must name the issuer it was asked of. */
async function discoverJwksUri(issuer: string, allowHttpLoopback: boolean): Promise<string> {
  const base = issuer.replace(/\/$/, '');
  const body = await fetchBounded(`${base}/.well-known/openid-configuration`, allowHttpLoopback);
  const document = JSON.parse(Buffer.from(body).toString()) as { issuer?: unknown; jwks_uri?: unknown };
  if (document.issuer !== issuer || typeof document.jwks_uri !== 'string') {
    throw new Error('the discovery document is not of this issuer');
  }
  return document.jwks_uri;
}

function toPrincipal(
  claims: Readonly<Record<string, unknown>>,
  { issuer, groupsClaim }: OidcOptions,
): Principal {
  const { sub, exp, email } = claims;
  if (typeof sub !== 'string' || sub === '' || typeof exp !== 'number') throw invalidToken('no sub or exp');
  const groups = claims[groupsClaim];
  return {
    issuer,
    subject: sub,
    ...(typeof email === 'string' ? { email } : {}),
    groups: Array.isArray(groups) ? groups.filter((group) => typeof group === 'string') : [],
    expiresAt: new Date(exp * 1000),
  };
}

/** The client learns that, not why: the reason would help a forger. */
function invalidToken(detail: string, cause?: unknown): CustodyError {
  return new CustodyError('token-invalid', 'the token is not valid here', {
    hint: 'log in again: custody login',
    detail,
    cause,
  });
}
