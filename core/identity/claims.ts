/** Claims of a verified token: where they are, and what they are as texts. */
import { isJsonObject } from '../json.ts';
import { printable } from '../printable.ts';
import { misissuedToken } from './token-refusals.ts';

export type Claims = Readonly<Record<string, unknown>>;

/** Far longer than a branch of a repository or a service account; what is compared is compared whole. */
const TEXT_MAX = 512;
const LIST_MAX = 100;

/**
 * A claim by its name, which may hold dots (Auth0 wants names that are URLs). Where there is none of that name, dots lead into
 * objects, the longest name that there is first: `realm_access.roles` of Keycloak, `kubernetes.io.namespace`.
 */
export function claimAt(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  for (let dot = name.lastIndexOf('.'); dot > 0; dot = name.lastIndexOf('.', dot - 1)) {
    const outer = name.slice(0, dot);
    const inner = Object.hasOwn(claims, outer) ? claims[outer] : undefined;
    if (isJsonObject(inner)) return claimAt(inner, name.slice(dot + 1));
  }
  return undefined;
}

/**
 * True where the issuer says a claim elsewhere than in the token, so that nobody here knows it: `_claim_names` (OpenID Connect Core 1.0
 * section 5.6.2), as Entra does with more than 200 groups, or its `hasgroups` in tokens that come by a browser's address. Nothing is
 * fetched from where a token points.
 */
export function isElsewhere({ _claim_names: elsewhere, hasgroups }: Claims, name: string): boolean {
  const names = isJsonObject(elsewhere) ? Object.keys(elsewhere) : [];
  if (names.some((one) => name === one || name.startsWith(`${one}.`))) return true;
  return name === 'groups' && (hasgroups === true || hasgroups === 'true');
}

/**
 * A claim as patterns look at it; no texts where the token has none. Throws `token-invalid` for what no pattern can look at: to leave
 * it out, or to cut it, could make the token fit.
 */
export function textsAt(claims: Claims, name: string): readonly string[] {
  const value = claimAt(claims, name) ?? [];
  const values: unknown[] = Array.isArray(value) ? value : [value];
  if (values.length > LIST_MAX) throw unfit(name, `has more than ${LIST_MAX} values`);
  return values.map((one) => textOf(one, name));
}

function textOf(value: unknown, name: string): string {
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return numberText(value, name);
  if (typeof value !== 'string') throw unfit(name, `is ${typeWords(value)}, and texts are looked at`);
  if (value.length > TEXT_MAX) throw unfit(name, `is longer than ${TEXT_MAX} characters`);
  // Two of these could be written as one in evidence.
  if (!value.isWellFormed()) throw unfit(name, 'is not Unicode');
  return value;
}

/** RFC 8259 section 6: beyond these, readers make one number of several. */
function numberText(value: number, name: string): string {
  const isExact = Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value);
  if (!isExact) throw unfit(name, 'is a number too large to compare');
  return String(value);
}

/** "its claim groups is a number" */
export function unfit(name: string, what: string): Error {
  return misissuedToken(`its claim ${printable(name)} ${what}`);
}

/** What JSON calls it, with its article. */
export function typeWords(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  const words: Readonly<Record<string, string>> = {
    object: 'an object',
    number: 'a number',
    boolean: 'a truth value',
    string: 'a text',
  };
  return words[typeof value] ?? 'nothing';
}
