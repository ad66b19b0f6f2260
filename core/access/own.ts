import type { Config } from './config.ts';
import { isActedFor, type Person, sameAccount, sameActors, sameEmail } from './person.ts';

/** What says whether issuers share people. */
export type Issuers = Pick<Config, 'issuers'>;

/** Somebody who calls: `issuerName` is what custody.yaml calls their issuer. */
export type Caller = Person & { readonly issuerName?: string };

/**
 * True when what is this person's is the caller's as well: the same account, or the same e-mail address at two issuers that both
 * say `sharesPeople`. An address alone gives nothing where the file does not say so.
 */
export function sameHolder(caller: Caller, person: Person, issuers: Issuers): boolean {
  return sameAccount(caller, person) || sharesWith(caller, person, issuers);
}

/** What a person did, also through others, is theirs; of who acts for them only what the very same chain did. */
export function owns(caller: Caller, person: Person, issuers: Issuers): boolean {
  return sameHolder(caller, person, issuers) && (!isActedFor(caller) || sameActors(caller, person));
}

/** True when the caller may have something under another account. */
export function sharesPeople({ issuer, issuerName, email }: Caller, { issuers }: Issuers): boolean {
  const own = issuers.find(({ name, issuer: url }) => name === issuerName && url === issuer);
  return own?.sharesPeople === true && email !== undefined;
}

/** Two accounts of one issuer stay two: whoever gave somebody a second one meant it. */
function sharesWith(caller: Caller, { issuer, email }: Person, { issuers }: Issuers): boolean {
  if (issuer === caller.issuer || email === undefined || !sharesPeople(caller, { issuers })) return false;
  // A record has the issuer alone: where the file has it twice, both have to say so.
  const others = issuers.filter((other) => other.issuer === issuer);
  return others.length > 0 && others.every((other) => other.sharesPeople) && sameEmail(caller.email!, email);
}
