/** Logout tokens: OpenID Connect Back-Channel Logout 1.0. */
import { createHash } from 'node:crypto';
import { CustodyError } from '../errors.ts';

/** Section 2.4: the member of `events` that makes a logout of it. */
export const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';

/** What an issuer says has ended: one of its sessions, or all that somebody had by then. */
export interface Logout {
  readonly issuer: string;
  readonly subject?: string;
  /** The session at the issuer (`sid`); all of the subject's where it is absent. */
  readonly session?: string;
  /** By the issuer's clock, as the tokens that it ends. */
  readonly at: Date;
  /** SHA-256 of the token's id (`jti`), lower-case hexadecimal: no token is taken twice. */
  readonly token: string;
}

/** Verifies a logout token of one issuer: all that section 2.6 says but the claims of its own, which `logoutOf` looks at. */
export interface LogoutTokenVerifier {
  /** Rejects with `token-invalid`, or `issuer-unreachable`. */
  verify(token: string): Promise<VerifiedToken>;
}

export interface VerifiedToken {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** How long a logout token is good, before and after the issuer's leeway: it is made for the moment. */
export const LOGOUT_FRESH_MS = 120_000;
/** In JSON: more than tokens may have, and a leaf of the ledger still holds an issuer, a subject and a session. */
const NAME_MAX_BYTES = 1024;
/** Section 2.4 recommends the type; issuers of before set the usual one or none. */
const TYPES: readonly unknown[] = [undefined, 'logout+jwt', 'jwt'];

/** What a token orders whose signature, issuer and audience are good. Throws `token-invalid` with the reason in its words. */
export function logoutOf(
  { header, claims }: VerifiedToken,
  { issuer, leeway }: { readonly issuer: string; readonly leeway: number },
  now: Date,
): Logout {
  refuseOtherKinds(header, claims);
  const at = timeOf(claims, now, leeway);
  const [subject, session] = [nameIn(claims, 'sub'), nameIn(claims, 'sid')];
  const id = nameIn(claims, 'jti');
  if (id === undefined) throw refused('it has no jti');
  if (subject === undefined && session === undefined) throw refused('it has neither sub nor sid');
  return {
    issuer,
    ...(subject === undefined ? {} : { subject }),
    ...(session === undefined ? {} : { session }),
    at,
    token: createHash('sha256').update(id).digest('hex'),
  };
}

/** Section 4.1: neither an ID token nor any other is taken for one. */
function refuseOtherKinds({ typ }: VerifiedToken['header'], claims: VerifiedToken['claims']): void {
  const type = typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : typ;
  if (!TYPES.includes(type)) throw refused('its typ is of another kind of token');
  if (Object.hasOwn(claims, 'nonce')) throw refused('it has a nonce');
  const events = memberOf(claims, 'events');
  if (!isObject(events) || !isObject(memberOf(events, LOGOUT_EVENT)))
    throw refused('its events are not a logout');
}

function timeOf({ iat, exp }: VerifiedToken['claims'], now: Date, leeway: number): Date {
  const at = new Date(typeof iat === 'number' ? Math.floor(iat * 1000) : Number.NaN);
  const off = Math.abs(now.getTime() - at.getTime());
  if (Number.isNaN(off)) throw refused('it has no iat that is a time');
  if (off > LOGOUT_FRESH_MS + leeway) throw refused('its iat is not of these two minutes');
  if (exp !== undefined && !(typeof exp === 'number' && exp * 1000 + leeway > now.getTime()))
    throw refused('it has expired');
  return at;
}

function nameIn(claims: VerifiedToken['claims'], claim: string): string | undefined {
  const value = memberOf(claims, claim);
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value === '') throw refused(`its ${claim} is not a text`);
  if (!value.isWellFormed() || Buffer.byteLength(JSON.stringify(value)) > NAME_MAX_BYTES)
    throw refused(`its ${claim} is too long, or is not Unicode text`);
  return value;
}

function memberOf(object: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The issuer is told why: it has proved who it is, and somebody has to find out what is set up wrongly there. */
function refused(why: string): CustodyError {
  return new CustodyError('token-invalid', `the logout token is not valid here: ${why}`);
}
