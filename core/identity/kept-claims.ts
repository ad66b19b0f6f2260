/** What rules, and the file's `match`, look at in a token. */
import { fits } from '../access/patterns.ts';
import { printable } from '../printable.ts';
import { type Claims, claimAt, isElsewhere, textsAt, unfit } from './claims.ts';
import type { ClaimValue, Principal } from './principal.ts';
import { refusedToken } from './token-refusals.ts';

/** By a claim's name, the patterns of which it has to fit one. */
export type Match = Readonly<Record<string, readonly string[]>>;

/** Whoever a token is of, as far as its address says. */
type Address = Pick<Principal, 'email' | 'unverifiedEmail'>;

/** With the names and JSON around them; all of it stands in the open statement. */
const BYTES_MAX = 2048;

/**
 * The claims of these names that are known: an e-mail address only where the issuer vouches for it, and in its canonical form; none that
 * the issuer says elsewhere, which a rule that denies would take for one that the token has not.
 */
export function keptClaims(
  claims: Claims,
  names: readonly string[],
  address: Address,
): Readonly<Record<string, ClaimValue>> {
  const vouched = names.filter((name) => name !== 'email' || address.unverifiedEmail === undefined);
  const known = vouched.filter((name) => !isElsewhere(claims, name));
  const kept = known.map((name) => [name, valueOf(claims, name, address)] as const);
  const said = kept.filter(([, value]) => value.length > 0);
  const bytes = new TextEncoder().encode(JSON.stringify(said)).length;
  if (bytes > BYTES_MAX) throw unfit(said.map(([name]) => name).join(', '), 'says more than can be kept');
  return Object.fromEntries(kept);
}

function valueOf(claims: Claims, name: string, { email }: Address): ClaimValue {
  if (name === 'email') return email ?? [];
  const texts = textsAt(claims, name);
  return Array.isArray(claimAt(claims, name)) ? texts : (texts[0] ?? []);
}

/**
 * Refuses a genuine token that is not one of those that custody.yaml takes of this issuer. All of `match` must fit; a list fits by one
 * value. Whoever shows it is told the claim's name: the operator's log has the rest.
 */
export function refuseUnmatched(
  kept: Readonly<Record<string, ClaimValue>>,
  match: Match,
  issuer: string,
): void {
  for (const [name, patterns] of Object.entries(match)) {
    const values = [kept[name] ?? []].flat();
    if (values.some((value) => patterns.some((pattern) => fits(pattern, value)))) continue;
    const wanted = patterns.map((text) => printable(text)).join(', ');
    throw refusedToken(
      `its claim ${printable(name)} is not one that is taken of this identity provider`,
      'which it takes is in custody.yaml under identity, match; ask whoever runs the gateway',
      `${issuer}: ${name} is ${values.map((text) => printable(text)).join(', ') || 'not known'}, and match wants ${wanted}`,
    );
  }
}
