import { canonicalEmail } from '../identity/email.ts';
import type { Actor } from '../identity/principal.ts';

/** Somebody as requests, decisions and leaves name them. */
export interface Person {
  readonly issuer: string;
  readonly subject: string;
  readonly email?: string;
  /** One that nobody has verified. Kept because it counts against them; it is shown to nobody, and no digest or leaf has it. */
  readonly unverifiedEmail?: string;
  /** Who acted for them, the one that did first; absent where they acted themselves. */
  readonly actors?: readonly Actor[];
}

/** As schemas read one. */
type LoosePerson = { readonly [K in keyof Person]: Person[K] | undefined } & Actor;

/** Who a principal is, as others are told. */
export function personOf({ issuer, subject, email, actors = [] }: LoosePerson): Person {
  return {
    issuer,
    subject,
    ...(email === undefined ? {} : { email }),
    ...(actors.length === 0 ? {} : { actors: actors.map(accountOf) }),
  };
}

/** An account by what names it. */
function accountOf({ issuer, subject }: Actor): Actor {
  return { issuer, subject };
}

/** True where somebody acts for the person. */
export function isActedFor({ actors = [] }: Pick<Person, 'actors'>): boolean {
  return actors.length > 0;
}

/**
 * True when both are one human being, as far as can be told: the same subject of the same issuer, or the same e-mail
 * address. A second account of one person is still one person (security case 11).
 */
export function samePerson(a: Person, b: Person): boolean {
  if (sameAccount(a, b)) return true;
  return a.email !== undefined && b.email !== undefined && sameEmail(a.email, b.email);
}

/** True for the same subject of the same issuer. */
export function sameAccount(a: Actor, b: Actor): boolean {
  return a.issuer === b.issuer && a.subject === b.subject;
}

/** True when the same act for both, in the same order; also where nobody does. */
export function sameActors(
  { actors: a = [] }: Pick<Person, 'actors'>,
  { actors: b = [] }: Pick<Person, 'actors'>,
): boolean {
  return a.length === b.length && a.every((actor, at) => sameAccount(actor, b[at]!));
}

/** True when people read both as one address. */
export function sameEmail(a: string, b: string): boolean {
  return canonicalEmail(a) === canonicalEmail(b);
}

/**
 * True when both may be one person. An address that nobody has verified counts here, where it stands in somebody's way, and nowhere
 * else; which of the two accounts has it, and which came first, makes no difference.
 */
export function mayBeSamePerson(a: Person, b: Person): boolean {
  return (
    sameAccount(a, b) || addressesOf(a).some((one) => addressesOf(b).some((other) => sameEmail(one, other)))
  );
}

function addressesOf({ email, unverifiedEmail }: Person): readonly string[] {
  return [email, unverifiedEmail].filter((one) => one !== undefined);
}

/**
 * True when somebody may have asked for it: by themselves, through whoever acts for them, or as one that acted (security case
 * 11). Who acted is told by the account alone: an actor has no address.
 */
export function mayHaveAsked(caller: Person, requester: Person): boolean {
  const { actors = [] } = requester;
  return mayBeSamePerson(caller, requester) || actors.some((actor) => sameAccount(actor, caller));
}

/** Somebody as texts name them. */
interface Named {
  readonly email?: string | undefined;
  readonly subject: string;
  readonly actors?: readonly { readonly subject: string }[] | undefined;
}

/** How a person is shown: the e-mail address where there is one, behind whoever acts for them: `agent-7 for dana@example.com`. */
export function nameOf({ email, subject, actors = [] }: Named): string {
  return [...actors.map((actor) => actor.subject), email ?? subject].map(inOneWord).join(' for ');
}

/** A subject may be any text: with blanks in it, or what looks like one, it could look like somebody who acts for somebody. */
function inOneWord(name: string): string {
  return BLANK.test(name) ? JSON.stringify(name) : name;
}

const BLANK = /[\s\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]/u;
