import type { Config, IssuerConfig } from '#core/access/config.ts';
import { parseJson } from '#core/json.ts';
import { bad, type Finding, good } from '../findings/finding.ts';

export interface IssuerPorts {
  /** The text at an address. Rejects, saying why, where there is none. */
  readonly get: (url: string) => Promise<string>;
  /** A file beside custody.yaml. */
  readonly read: (name: string) => string;
}

/** Of an issuer, where its keys are, and of which kinds they have to be. */
type Keys = Pick<IssuerConfig, 'name' | 'issuer'> &
  Partial<Pick<IssuerConfig, 'jwksUri' | 'jwksFile' | 'algorithms'>>;

interface Jwk {
  readonly kty?: unknown;
  readonly alg?: unknown;
}

/** What keeps people from logging in at the issuers of custody.yaml. */
export async function issuerFindings({ issuers }: Config, ports: IssuerPorts): Promise<readonly Finding[]> {
  return Promise.all(issuers.map((issuer) => issuerFinding(issuer, ports)));
}

/** Whether the keys that its tokens are verified with can be had. */
export async function issuerFinding(issuer: Keys, ports: IssuerPorts): Promise<Finding> {
  const about = `identity ${issuer.name} (${issuer.issuer})`;
  try {
    const keys = keysIn(await keysText(issuer, ports));
    if (keys.some((key) => isTaken(key, issuer))) return good(about, 'its keys can be fetched');
    const wanted = (issuer.algorithms ?? ['RS256', 'ES256', 'EdDSA']).join(', ');
    return bad(about, `it publishes no key for ${wanted}`, { todo: 'correct algorithms in custody.yaml' });
  } catch (thrown) {
    return bad(about, (thrown as Error).message, {
      why: 'nobody can log in without its keys',
      todo: 'correct identity in custody.yaml; where it is reached from the VPC alone, network.issuerAccess: none or a jwksFile',
    });
  }
}

async function keysText({ issuer, jwksUri, jwksFile }: Keys, ports: IssuerPorts): Promise<string> {
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
    const value: unknown = parseJson(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Said below.
  }
  throw new Error(`${what}: expected JSON`);
}

/** Key types by the algorithms that they sign with (RFC 7518 section 6, RFC 8037 section 2). */
const TYPES: Readonly<Record<string, string>> = { R: 'RSA', P: 'RSA', E: 'EC' };

function isTaken({ kty, alg }: Jwk, { algorithms }: Keys): boolean {
  if (algorithms === undefined) return ['RSA', 'EC', 'OKP'].includes(String(kty));
  if (alg !== undefined) return algorithms.some((one) => one === alg);
  return algorithms.some((one) => (one === 'EdDSA' ? 'OKP' : TYPES[one[0]!]) === kty);
}
