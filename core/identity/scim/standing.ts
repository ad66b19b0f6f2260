import type { Config, IssuerConfig } from '../../access/config.ts';
import { CustodyError } from '../../errors.ts';
import { canonicalEmail } from '../email.ts';
import type { Principal } from '../principal.ts';
import type { Ending, Standing, StandingQuestion } from '../standing.ts';
import { nameFor } from './kinds.ts';
import type { Mark, ScimDirectory, ScimMarks } from './store.ts';

export interface ScimStandingPorts {
  readonly policy: () => Pick<Config, 'issuers'>;
  readonly store: ScimMarks & Pick<ScimDirectory, 'find'>;
}

interface Known {
  readonly changes: number;
  readonly marks: Marks;
  /** People of directories where unknown ones may do nothing, by `directory` and name. */
  readonly people: Map<string, Promise<boolean>>;
}

interface Marks {
  /** By the issuer, and by the name of its directory: whichever of the two the file changes, they stay out. */
  readonly people: ReadonlySet<string>;
  /** Addresses, with the issuers whose directories have them only of people that are not active. */
  readonly emails: ReadonlyMap<string, readonly string[]>;
}

/** People that a directory said are not active may do nothing, and nobody may in their name. */
export function scimStanding({ policy, store }: ScimStandingPorts): Standing {
  let known: Known | undefined;

  /** Read anew only when something has changed. The count is read first: a change in between is seen at the next look. */
  async function look(): Promise<Known> {
    const changes = await store.changes('User');
    if (known === undefined || known.changes !== changes)
      known = { changes, marks: marksOf(await store.marks()), people: new Map() };
    return known;
  }

  function isKnown({ people }: Known, directory: string, externalId: string): Promise<boolean> {
    const key = JSON.stringify([directory, externalId]);
    const asked = people.get(key) ?? found(directory, externalId);
    people.set(key, asked);
    asked.catch(() => people.delete(key));
    return asked;
  }

  async function found(directory: string, externalId: string): Promise<boolean> {
    return (await store.find(directory, 'User', nameFor('User', 'externalid', externalId)!)) !== undefined;
  }

  async function endingOf(person: StandingQuestion, seen: Known): Promise<Ending | undefined> {
    const { issuers } = policy();
    if (isMarked(person, seen.marks, issuers)) return OFF;
    const own = issuerOf(person, issuers);
    if (own?.scim?.unknown !== 'deny') return undefined;
    const externalId = externalIdOf(person);
    return (await isKnown(seen, own.name, externalId)) ? undefined : UNKNOWN;
  }

  return {
    over: async (people) => {
      const isAsked = policy().issuers.some(({ scim }) => scim !== undefined);
      if (!isAsked || people.length === 0) return people.map(() => undefined);
      const seen = await look();
      return Promise.all(people.map((person) => endingOf(person, seen)));
    },
  };
}

/** What the directory calls them: a claim of the token where the file names one. */
export function externalIdOf({ subject, directoryId }: Principal): string {
  return directoryId ?? subject;
}

function issuerOf({ issuer, issuerName }: Principal, issuers: readonly IssuerConfig[]) {
  return issuers.find((one) => (issuerName === undefined ? one.issuer === issuer : one.name === issuerName));
}

function isMarked(person: Principal, { people, emails }: Marks, issuers: readonly IssuerConfig[]): boolean {
  const { issuer, actors = [], email, unverifiedEmail } = person;
  const own = issuerOf(person, issuers);
  const isOff = (place: string): boolean => people.has(keyOf(place, externalIdOf(person)));
  if (own?.scim !== undefined && (isOff(issuer) || isOff(own.name))) return true;
  // Of an actor no other claim is known.
  const bySubject = issuers.filter(({ scim }) => scim?.userClaim === 'sub').map((one) => one.issuer);
  if (
    actors.some((actor) => bySubject.includes(actor.issuer) && people.has(keyOf(actor.issuer, actor.subject)))
  )
    return true;
  // The issuer's own directory knows them by better than an address, which somebody else may have had before.
  return [email, unverifiedEmail].some(
    (one) => one !== undefined && emails.get(canonicalEmail(one))?.some((other) => other !== issuer),
  );
}

function marksOf(marks: readonly Mark[]): Marks {
  const emails = new Map<string, string[]>();
  for (const mark of marks)
    for (const email of mark.emails) emails.set(email, [...(emails.get(email) ?? []), mark.issuer]);
  const places = marks.flatMap(({ issuer, directory, externalId }) =>
    [issuer, directory].map((place) => keyOf(place, externalId)),
  );
  return { people: new Set(places), emails };
}

/** `place`: an issuer, which is a URL, or the name of a directory, which is none. */
function keyOf(place: string, externalId: string): string {
  return JSON.stringify([place, externalId]);
}

const OFF: Ending = {
  reason: 'revoked',
  error: new CustodyError(
    'access-revoked',
    'your account was deactivated in the directory of your organisation',
    {
      hint: 'tell whoever runs the identity provider if that is a mistake',
    },
  ),
};

const UNKNOWN: Ending = {
  reason: 'revoked',
  error: new CustodyError('access-revoked', 'the directory of your organisation does not know you', {
    hint: 'whoever runs the identity provider has to assign you to this gateway',
  }),
};
