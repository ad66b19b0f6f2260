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
  return folded(a) === folded(b);
}

/** How people read an address; domains ignore case (RFC 5321 section 2.4), and mailboxes do in practice. */
function folded(email: string): string {
  return email.normalize('NFKC').toLowerCase();
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
