import type { CustodyError } from '#core/errors.ts';
import { TOKEN_MAX_BYTES, TOKEN_PART, tokenPart } from '#core/identity/token-part.ts';
import { junkToken } from '#core/identity/token-refusals.ts';

const LEEWAY_MAX_MS = 60_000;
/** A JSON object in base64url begins so. */
const BEGINNING = 'eyJ';
const QUOTES = /^["'`]|["'`]$/g;
/** Of tokens that say who somebody is. */
const LOGIN_TYPES = /^(?:application\/)?(?:at\+)?jwt$/i;
const COPY_ALL = 'copy all of it: three parts with dots between them, in one line';
/** The fewest bytes of a signature: of ECDSA all (RFC 7518 section 3.4, RFC 8037), of RSA those of the shortest key. */
const SIGNATURE_BYTES: Readonly<Record<string, number>> = {
  ES256: 64,
  ES384: 96,
  ES512: 132,
  EdDSA: 64,
  ...Object.fromEntries(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'].map((alg) => [alg, 256])),
};

/** What a token says before anybody has vouched for it. */
export interface TokenHeader {
  readonly alg: string;
  readonly kid: string;
}

type Json = Readonly<Record<string, unknown>>;

/** The header of a signed token. Throws `token-invalid` where it is none, or one that nobody here would take. */
export function headerOf(token: string, types = LOGIN_TYPES): TokenHeader {
  const { header, signature } = compactForm(token);
  refuseHeader(header, types);
  refuseCut(String(header['alg']), signature);
  return { alg: String(header['alg']), kid: String(header['kid']) };
}

/**
 * The compact form of a token (RFC 7515 section 7.1). Throws `token-invalid` that says what was given in its place: whoever has
 * pasted too much or too little sees it at once.
 */
export function compactForm(token: string): { readonly header: Json; readonly signature: string } {
  if (token.length > TOKEN_MAX_BYTES) throw junkToken(`it is longer than ${TOKEN_MAX_BYTES} bytes`);
  const parts = token.split('.');
  const [header, claims] = parts.slice(0, 2).map((part) => tokenPart(part));
  const signature = parts[2] ?? '';
  const isSigned = parts.length === 3 && (signature === '' || TOKEN_PART.test(signature));
  if (header === undefined || claims === undefined || !isSigned) throw misshapen(token, parts, header);
  return { header, signature };
}

/** True where it says itself that its time has been over for a minute, the largest leeway. Nobody has vouched for that. */
export function saysItIsOver(token: string, now: number): boolean {
  const exp = tokenPart(token.split('.')[1])?.['exp'];
  return typeof exp === 'number' && exp * 1000 < now - LEEWAY_MAX_MS;
}

/** Signed by rules that are not ours, or for something else than to say who somebody is. */
function refuseHeader({ alg, kid, crit, typ }: Json, types: RegExp): void {
  // RFC 7515 section 4.1.11: a parameter that is critical and not understood makes the token invalid.
  if (crit !== undefined) throw junkToken('it has critical header parameters');
  if (typeof alg !== 'string' || !Object.hasOwn(SIGNATURE_BYTES, alg))
    throw junkToken('it is not signed with an algorithm that is taken');
  if (typeof kid !== 'string' || kid === '') throw junkToken('it names no key');
  // RFC 8725 section 3.11. A logout token, or a proof of a key, is of the same issuer and says who nobody is.
  if (typ !== undefined && !(typeof typ === 'string' && types.test(typ)))
    throw junkToken('it is a token of another type');
}

function refuseCut(alg: string, signature: string): void {
  if (Buffer.from(signature, 'base64url').byteLength < SIGNATURE_BYTES[alg]!)
    throw junkToken('it is cut off: its end is missing', COPY_ALL);
}

/** What it is that is no token. */
function misshapen(token: string, parts: readonly string[], header: Json | undefined): CustodyError {
  if (/^bearer[\s:]/i.test(token)) return junkToken('"Bearer" stands before it', 'give the token alone');
  const bare = token.replaceAll(/\s/g, '');
  const inner = bare.replaceAll(QUOTES, '');
  if (inner !== bare && isLikely(inner)) return junkToken('it is in quotes', 'give it without the quotes');
  if (bare !== token && isLikely(bare))
    return junkToken('there are blanks or line feeds in it, or around it', 'give the token alone');
  if (token.startsWith('ya29.'))
    return junkToken('it is an access token of Google', 'give the ID token in its place');
  if (parts.length === 5 && header !== undefined && 'enc' in header)
    return junkToken('it is encrypted', 'give a token that its issuer has signed and not encrypted');
  if (parts.length < 3 && isLikely(token)) return junkToken('it is cut off: its end is missing', COPY_ALL);
  return junkToken('it is not a JWT', 'give an ID token; a password is none: custody login');
}

function isLikely(text: string): boolean {
  return text.startsWith(BEGINNING);
}
