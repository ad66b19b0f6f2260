import { canonicalEmail } from '../identity/email.ts';

/** Somebody as requests, decisions and leaves name them. */
export interface Person {
  readonly issuer: string;
  readonly subject: string;
  readonly email?: string;
}

/** Who a principal is, without what they may do. */
export function personOf({ issuer, subject, email }: Person): Person {
  return email === undefined ? { issuer, subject } : { issuer, subject, email };
}

/**
 * True when both are one human being, as far as can be told: the same subject of the same issuer, or the same e-mail
 * address. A second account of one person is still one person (security case 11).
 */
export function samePerson(a: Person, b: Person): boolean {
  if (a.issuer === b.issuer && a.subject === b.subject) return true;
  return a.email !== undefined && b.email !== undefined && sameEmail(a.email, b.email);
}

/** True when people read both as one address. */
export function sameEmail(a: string, b: string): boolean {
  return canonicalEmail(a) === canonicalEmail(b);
}

/**
 * True when somebody who wants to act may be that person. An address that nobody has verified counts here, where it stands in their
 * way, and nowhere else.
 */
export function mayBeSamePerson(
  actor: Person & { readonly unverifiedEmail?: string },
  person: Person,
): boolean {
  if (samePerson(actor, person)) return true;
  const { unverifiedEmail } = actor;
  return (
    unverifiedEmail !== undefined && person.email !== undefined && sameEmail(unverifiedEmail, person.email)
  );
}

/** How a person is shown: the e-mail address where there is one. */
export function nameOf({
  email,
  subject,
}: {
  readonly email?: string | undefined;
  readonly subject: string;
}): string {
  return email ?? subject;
}
