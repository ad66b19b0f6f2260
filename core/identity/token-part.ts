import { isJsonObject, parseJsonBytes } from '../json.ts';

export const TOKEN_MAX_BYTES = 16 << 10;
/** Base64url without padding (RFC 7515 section 2). */
export const TOKEN_PART = /^[A-Za-z0-9_-]+$/;

/**
 * Header or claims of a token, if it is a JSON object that all readers read alike (RFC 7519 section 4: claim names are unique);
 * undefined for all else. Nobody has vouched for what it says.
 */
export function tokenPart(part = ''): Readonly<Record<string, unknown>> | undefined {
  if (!TOKEN_PART.test(part)) return undefined;
  try {
    const value = parseJsonBytes(Buffer.from(part, 'base64url'), TOKEN_MAX_BYTES);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
