/** People as a directory tells of them (RFC 7643 section 4.1): what is needed to know them by, and whether they are active. */
import { canonicalEmail } from '../email.ts';
import type { Path, Term } from './filter.ts';
import { type Given, listOf, membersOf, messageOf, requiredText, textOf, truthOf } from './input.ts';
import { type Change, isWhole } from './patch.ts';
import { scimRefusal } from './refusal.ts';

export const USER_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:User';
const EMAILS_MAX = 20;

/** Other attributes are not kept: nothing here needs them. */
export interface DirectoryUser {
  /** Equal to a claim of the person's tokens. */
  readonly externalId: string;
  readonly userName: string;
  readonly displayName?: string | undefined;
  readonly active: boolean;
  readonly emails: readonly DirectoryEmail[];
}

export interface DirectoryEmail {
  readonly value: string;
  readonly type?: string | undefined;
  readonly primary?: boolean | undefined;
}

/** Of POST, and of PUT where `before` is there: whoever leaves `active` or `externalId` out (Okta) changes neither. Throws a refusal. */
export function userFrom(body: unknown, before?: DirectoryUser): DirectoryUser {
  const given = messageOf(body, USER_SCHEMA);
  const active = given['active'] ?? before?.active ?? true;
  return {
    // Nothing else tells whose tokens are meant: a user without it could be deactivated, and nobody would be.
    externalId: requiredText(given['externalid'] ?? before?.externalId, 'externalId'),
    userName: requiredText(given['username'], 'userName'),
    displayName: textOf(given['displayname'], 'displayName'),
    active: truthOf(active, 'active'),
    emails: emailsFrom(given['emails']),
  };
}

/** Attributes that are not kept may be changed: nothing becomes of it. Throws a refusal. */
export function patchedUser(user: DirectoryUser, changes: readonly Change[]): DirectoryUser {
  return changes.reduce(patched, user);
}

function patched(user: DirectoryUser, change: Change): DirectoryUser {
  const { op, path, value } = change;
  const given = op === 'remove' ? undefined : value;
  switch (path.attribute) {
    case 'active':
      return { ...user, active: isWhole(change) && truthOf(given, 'active') };
    case 'username':
      return { ...user, userName: isWhole(change) ? requiredText(given, 'userName') : '' };
    case 'externalid':
      return { ...user, externalId: isWhole(change) ? requiredText(given, 'externalId') : '' };
    case 'displayname':
      return { ...user, displayName: isWhole(change) ? textOf(given, 'displayName') : '' };
    case 'emails':
      return { ...user, emails: bounded(patchedEmails(user.emails, change)) };
    default:
      return user;
  }
}

function patchedEmails(emails: readonly DirectoryEmail[], change: Change): readonly DirectoryEmail[] {
  const { op, path, value } = change;
  const fits = (email: DirectoryEmail): boolean => (path.filter ?? []).every((term) => holds(email, term));
  if (path.part !== undefined) return withPart(emails, change, fits);
  if (op === 'remove') return emails.filter((email) => !fits(email));
  const given = emailsFrom(value);
  if (op === 'replace')
    return [...emails.filter((email) => path.filter !== undefined && !fits(email)), ...given];
  const added = new Set(given.map((email) => email.value.toLowerCase()));
  return [...emails.filter((email) => !added.has(email.value.toLowerCase())), ...given];
}

/** `emails[type eq "work"].value`: where there is none of that type yet, it becomes one. */
function withPart(
  emails: readonly DirectoryEmail[],
  { op, path, value }: Change,
  fits: (email: DirectoryEmail) => boolean,
): readonly DirectoryEmail[] {
  if (path.part !== 'value') return emails;
  if (op === 'remove') return emails.filter((email) => !fits(email));
  const address = requiredText(value, 'emails.value');
  if (emails.some(fits)) return emails.map((email) => (fits(email) ? { ...email, value: address } : email));
  return [...emails, { ...typeIn(path), value: address }];
}

function typeIn({ filter = [] }: Path): { readonly type?: string } {
  const type = filter.find(({ attribute }) => attribute === 'type')?.value;
  return typeof type === 'string' ? { type } : {};
}

function holds(email: DirectoryEmail, { attribute, value }: Term): boolean {
  const own = (email as unknown as Given)[attribute];
  return typeof own === 'string' && typeof value === 'string'
    ? own.toLowerCase() === value.toLowerCase()
    : own === value;
}

function emailsFrom(value: unknown): readonly DirectoryEmail[] {
  return bounded(listOf(value).map(emailFrom)).filter(({ value: address }) => address !== '');
}

function emailFrom(given: unknown): DirectoryEmail {
  if (typeof given === 'string') return { value: textOf(given, 'emails') ?? '' };
  const { value, type, primary } = membersOf(given, 'an e-mail address');
  return {
    value: textOf(value, 'emails.value') ?? '',
    type: textOf(type, 'emails.type'),
    primary: primary === undefined || primary === null ? undefined : truthOf(primary, 'emails.primary'),
  };
}

function bounded(emails: readonly DirectoryEmail[]): readonly DirectoryEmail[] {
  if (emails.length <= EMAILS_MAX) return emails;
  throw scimRefusal('invalidValue', `there are more than ${EMAILS_MAX} e-mail addresses`);
}

/** The addresses of a user in the form in which they are compared; a user name that is one as well. */
export function addressesOf({ emails, userName }: DirectoryUser): readonly string[] {
  const named = userName.includes('@') ? [userName] : [];
  return [...new Set([...emails.map(({ value }) => value), ...named].map(canonicalEmail))];
}
