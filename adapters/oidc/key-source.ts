import { constants, open } from 'node:fs/promises';
import { isJsonObject, parseJsonBytes } from '#core/json.ts';
import { fetchBounded, isHttpLoopback, patience } from './fetch-bounded.ts';
import { JWKS_MAX_BYTES, KeySet } from './key-set.ts';

/** Where the keys of an issuer are. */
export interface KeyPlace {
  readonly issuer: string;
  /** Found by OIDC discovery when neither is given. */
  readonly jwksUri?: string | undefined;
  /** A file on this machine. */
  readonly jwksFile?: string | undefined;
  /** Plain http is for an issuer on this machine only. */
  readonly allowHttpLoopback: boolean;
}

/** Asks for the keys of an issuer. */
export interface KeySource {
  /** Rejects when they cannot be had, or are none, within five seconds. */
  all(): Promise<KeySet>;
  /** As `all`, from where they were the last time. */
  again(): Promise<KeySet>;
}

export function keySource(place: KeyPlace): KeySource {
  const { jwksUri, jwksFile } = place;
  if (jwksFile !== undefined) return always(() => fromFile(jwksFile));
  // Only an issuer on this machine may send the gateway to another port of this machine.
  const http = place.allowHttpLoopback && isHttpLoopback(new URL(jwksUri ?? place.issuer));
  if (jwksUri !== undefined) return always(() => fromUri(jwksUri, http, patience()));
  let found: string | undefined;
  const all = async (): Promise<KeySet> => {
    const signal = patience();
    found = await discoverJwksUri(place, signal);
    return fromUri(found, http, signal);
  };
  return { all, again: () => (found === undefined ? all() : fromUri(found, http, patience())) };
}

function always(all: () => Promise<KeySet>): KeySource {
  return { all, again: all };
}

async function fromUri(uri: string, http: boolean, signal: AbortSignal): Promise<KeySet> {
  return KeySet.read(new Uint8Array(await fetchBounded(uri, http, signal)));
}

/** Whatever is no file is refused: to read a pipe waits for whoever writes into it, and all logins would wait as well. */
async function fromFile(path: string): Promise<KeySet> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await file.stat()).isFile()) throw new Error('it is not a file');
    const bytes = Buffer.alloc(JWKS_MAX_BYTES + 1);
    const { bytesRead } = await file.read(bytes);
    return KeySet.read(bytes.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

/** OpenID Connect Discovery 1.0 section 4: the document must name the issuer it was asked of. */
async function discoverJwksUri(
  { issuer, allowHttpLoopback }: KeyPlace,
  signal: AbortSignal,
): Promise<string> {
  const base = issuer.replace(/\/$/, '');
  const body = await fetchBounded(`${base}/.well-known/openid-configuration`, allowHttpLoopback, signal);
  const document = parseJsonBytes(new Uint8Array(body), body.byteLength);
  const { issuer: named, jwks_uri: uri } = isJsonObject(document) ? document : {};
  if (named !== issuer || typeof uri !== 'string')
    throw new Error('the discovery document is not of this issuer');
  return uri;
}
