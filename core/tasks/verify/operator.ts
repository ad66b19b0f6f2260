import { fits } from '../../access/patterns.ts';
import { sameEmail } from '../../access/person.ts';
import type { OpenStatement } from '../../recording/format.ts';
import type { Selector } from '../schema.ts';

type Recorded = OpenStatement['principal'];

/** `unknown`: the statement leaves out what would decide it. */
export type Fit = 'fits' | 'unfit' | 'unknown';

/** Whether somebody, as an open statement names them, is one of those that a task is for: what the gateway asked, as far as it was recorded. */
export function operatorFits(by: readonly Selector[], operator: Recorded): Fit {
  const found = by.map((selector) => worst(termsOf(selector, operator)));
  return found.includes('fits') ? 'fits' : found.includes('unknown') ? 'unknown' : 'unfit';
}

function worst(found: readonly Fit[]): Fit {
  return found.includes('unfit') ? 'unfit' : found.includes('unknown') ? 'unknown' : 'fits';
}

function termsOf({ issuer, groups, people, claims = {}, actor }: Selector, operator: Recorded): Fit[] {
  return [
    issuer === undefined ? 'fits' : ofIssuer(issuer, operator),
    groups === undefined ? 'fits' : inGroups(groups, issuer, operator),
    people === undefined ? 'fits' : isOne(people, operator),
    ...Object.entries(claims).map(([name, patterns]) => hasClaim(name, patterns, operator)),
    actorFits(actor, operator),
  ];
}

function ofIssuer(issuer: string, { issuerName }: Recorded): Fit {
  if (issuerName === undefined) return 'unknown';
  return issuerName === issuer ? 'fits' : 'unfit';
}

/** `*` is for people, and whether somebody is a machine is not recorded; with an issuer it is for all of its. */
function inGroups(wanted: readonly string[], issuer: string | undefined, operator: Recorded): Fit {
  const { groups, groupsOmitted } = operator;
  if (wanted.some((group) => group !== '*' && groups.includes(group))) return 'fits';
  if (wanted.includes('*')) return issuer === undefined ? 'unknown' : 'fits';
  return groupsOmitted > 0 ? 'unknown' : 'unfit';
}

function isOne(people: readonly string[], { email }: Recorded): Fit {
  return email !== undefined && people.some((one) => sameEmail(one, email)) ? 'fits' : 'unfit';
}

function hasClaim(name: string, patterns: readonly string[], { claims = {}, claimsOmitted }: Recorded): Fit {
  const said = Object.hasOwn(claims, name) ? [claims[name]!].flat() : undefined;
  if (said === undefined) return claimsOmitted === undefined ? 'unfit' : 'unknown';
  return said.some((value) => patterns.some((pattern) => fits(pattern, value))) ? 'fits' : 'unfit';
}

/** Nobody acts for others where the contract names no actor. */
function actorFits(wanted: Selector['actor'], { issuer, actors }: Recorded): Fit {
  const [first] = actors ?? [];
  if (first === undefined) return wanted === undefined ? 'fits' : 'unfit';
  if (wanted === undefined) return 'unfit';
  if (wanted === 'any') return 'fits';
  const isOfIssuer = first.issuer === (wanted.issuer ?? issuer);
  return isOfIssuer && wanted.subject.some((pattern) => fits(pattern, first.subject)) ? 'fits' : 'unfit';
}
