import type { Config, IssuerConfig } from '#core/access/config.ts';

export interface IssuerPorts {
  /** The text at an address. Rejects, saying why, where there is none. */
  readonly get: (url: string) => Promise<string>;
  /** A file beside custody.yaml. */
  readonly read: (name: string) => string;
}

interface Jwk {
  readonly kty?: unknown;
  readonly alg?: unknown;
}

/** What keeps people from logging in at the issuers of custody.yaml, one line each. */
export async function issuerMistakes({ issuers }: Config, ports: IssuerPorts): Promise<string[]> {
  const found = await Promise.all(issuers.map((issuer) => mistakeOf(issuer, ports)));
  return found.flatMap((mistake) => mistake ?? []);
}

async function mistakeOf(issuer: IssuerConfig, ports: IssuerPorts): Promise<string | undefined> {
  try {
    const keys = keysIn(await keysText(issuer, ports));
    return keys.some((key) => isTaken(key, issuer))
      ? undefined
      : `${placeOf(issuer)}: it publishes no key for ${(issuer.algorithms ?? ['RS256', 'ES256', 'EdDSA']).join(', ')}`;
  } catch (thrown) {
    return `${placeOf(issuer)}: ${(thrown as Error).message}`;
  }
}

function placeOf({ name, issuer }: IssuerConfig): string {
  return `identity ${name} (${issuer})`;
}

async function keysText({ issuer, jwksUri, jwksFile }: IssuerConfig, ports: IssuerPorts): Promise<string> {
  if (jwksFile !== undefined) return ports.read(jwksFile);
  return ports.get(jwksUri ?? (await discovered(issuer, ports)));
}

/** OpenID Connect Discovery 1.0 section 4.3: the document names the issuer as it was asked, to the letter. */
async function discovered(issuer: string, { get }: IssuerPorts): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const document = parsed(await get(url), url) as { issuer?: unknown; jwks_uri?: unknown };
  if (document.issuer !== issuer)
    throw new Error(`it calls itself ${JSON.stringify(document.issuer)}: write it so in custody.yaml`);
  if (typeof document.jwks_uri !== 'string') throw new Error(`${url} names no jwks_uri`);
  return document.jwks_uri;
}

function keysIn(text: string): readonly Jwk[] {
  const { keys } = parsed(text, 'its keys') as { keys?: unknown };
  if (!Array.isArray(keys)) throw new Error('its keys are no JSON Web Key Set (RFC 7517 section 5)');
  return keys.filter((key): key is Jwk => typeof key === 'object' && key !== null);
}

function parsed(text: string, what: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Said below.
  }
  throw new Error(`${what}: expected JSON`);
}

/** Key types by the algorithms that they sign with (RFC 7518 section 6, RFC 8037 section 2). */
const TYPES: Readonly<Record<string, string>> = { R: 'RSA', P: 'RSA', E: 'EC' };

function isTaken({ kty, alg }: Jwk, { algorithms }: IssuerConfig): boolean {
  if (algorithms === undefined) return ['RSA', 'EC', 'OKP'].includes(String(kty));
  if (alg !== undefined) return algorithms.some((one) => one === alg);
  return algorithms.some((one) => (one === 'EdDSA' ? 'OKP' : TYPES[one[0]!]) === kty);
}
