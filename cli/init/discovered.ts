import { asCustodyError } from '#core/errors.ts';
import { parseJson } from '#core/json.ts';

/** The text at an address. Rejects, saying why, where there is none. */
export type Get = (url: string) => Promise<string>;

export interface Discovered {
  /** As it calls itself, to the letter: tokens have it so. */
  readonly issuer: string;
  readonly scopes?: readonly string[];
  /** What a person should hear of it. */
  readonly note?: string;
}

/** What an issuer says of itself (OpenID Connect Discovery 1.0 section 4). One that cannot be reached from here may be there all the same. */
export async function discoverIssuer(given: string, get: Get): Promise<Discovered> {
  const url = `${given.replace(/\/$/, '')}/.well-known/openid-configuration`;
  try {
    const { issuer, scopes_supported: scopes } = parseJson(await get(url)) as Document;
    if (typeof issuer !== 'string') return { issuer: given, note: `${url} names no issuer: is it one?` };
    return {
      issuer,
      ...(Array.isArray(scopes) ? { scopes: scopes.map(String) } : {}),
      ...(issuer === given ? {} : { note: `it calls itself ${issuer}: that is written` }),
    };
  } catch (thrown) {
    const words = thrown instanceof Error ? thrown.message : asCustodyError(thrown).message;
    return { issuer: given, note: `not looked at: ${words}` };
  }
}

interface Document {
  readonly issuer?: unknown;
  readonly scopes_supported?: unknown;
}
