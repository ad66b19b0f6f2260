/** Whom a rule is for: their issuer, groups and claims, and who acts for them. */
import type { Actor, ClaimValue, Principal } from '../identity/principal.ts';
import type { Selector } from '../tasks/schema.ts';
import type { Config, Rule } from './config.ts';
import { fits } from './patterns.ts';
import { isActedFor, sameEmail } from './person.ts';

type Issuers = Pick<Config, 'issuers'>;

/** Why a rule is not for somebody. */
export type WhoseObstacle =
  | {
      /** `acts`: nobody may act for others here. `actor`: another may. `no-actor`: only who acts for others may. */
      readonly kind: 'issuer' | 'groups' | 'acts' | 'actor' | 'no-actor';
    }
  | { readonly kind: 'claim'; readonly claim: string };

/** What keeps a rule that allows from being for this principal. */
export function notFor(rule: Rule, principal: Principal, policy: Config): WhoseObstacle[] {
  const found: WhoseObstacle[] = [];
  if (!isOf(rule.issuer, principal, policy)) found.push({ kind: 'issuer' });
  if (!isMember(rule, principal)) found.push({ kind: 'groups' });
  const unfit = misfits(rule.claims, principal);
  return [
    ...found,
    ...unfit.map((claim) => ({ kind: 'claim', claim }) as const),
    ...actorObstacles(rule, principal),
  ];
}

/**
 * What keeps a rule that denies from being for this principal. What is not known of them counts against them: an issuer that the
 * file does not have any more, a claim that nobody looked for when the token was verified, and groups that the issuer left out of it.
 */
export function notDenied(rule: Rule, principal: Principal, policy: Config): WhoseObstacle[] {
  const found: WhoseObstacle[] = [];
  const isKnown = isOf(principal.issuerName, principal, policy);
  if (isKnown && !isOf(rule.issuer, principal, policy)) found.push({ kind: 'issuer' });
  // Machines too: who writes "everybody" into a rule that denies means everybody.
  const mayBeIn = rule.groups.includes('*') || principal.groupsOmittedByIssuer === true;
  if (!mayBeIn && !isIn(rule.groups, principal)) found.push({ kind: 'groups' });
  const unfit = misfits(rule.claims, principal).filter((claim) => valueOf(claim, principal) !== undefined);
  found.push(...unfit.map((claim) => ({ kind: 'claim', claim }) as const));
  if (rule.actor !== undefined) found.push(...actorObstacles(rule, principal));
  return found;
}

/**
 * True for whom one of these names, as a rule would be for them: all that it says must fit, and nobody acts for others where it names
 * no actor. An e-mail address counts only where its issuer vouches for it.
 */
export function fitsSome(by: readonly Selector[], principal: Principal, policy: Issuers): boolean {
  return by.some((selector) => {
    const { issuer, groups, people, claims, actor } = selector;
    const { email } = principal;
    if (!isOf(issuer, principal, policy)) return false;
    if (groups !== undefined && !isMember({ groups, issuer }, principal)) return false;
    if (people !== undefined && !people.some((one) => email !== undefined && sameEmail(one, email)))
      return false;
    if (misfits(claims, principal).length > 0) return false;
    return actorObstacles({ actor }, principal).length === 0;
  });
}

/** True for who is in one of a rule's reviewer groups. Every person is in `*`; no machine is. */
export function isReviewer(reviewers: object, principal: Principal): boolean {
  const named = Object.values(reviewers).flat() as string[];
  return (named.includes('*') && principal.workload !== true) || isIn(named, principal);
}

/** What a token says of a claim; undefined where nobody has looked. */
export function valueOf(claim: string, { claims = {} }: Principal): ClaimValue | undefined {
  return Object.hasOwn(claims, claim) ? claims[claim] : undefined;
}

/** By the name and by the issuer itself: under a name that was given to another, nobody is taken for that one's. */
function isOf(name: string | undefined, { issuer, issuerName }: Principal, { issuers }: Issuers): boolean {
  if (name === undefined) return true;
  return issuerName === name && issuers.some((one) => one.name === name && one.issuer === issuer);
}

/** `*` is for people; for machines where the rule names the issuer, which is then theirs. */
function isMember({ groups, issuer }: Pick<Rule, 'groups' | 'issuer'>, principal: Principal): boolean {
  if (groups.includes('*') && (principal.workload !== true || issuer !== undefined)) return true;
  return isIn(groups, principal);
}

function isIn(groups: readonly string[], principal: Principal): boolean {
  return groups.some((group) => group !== '*' && principal.groups.includes(group));
}

/** The claims that fit none of their patterns. One that is a list fits by one of its values. */
function misfits(wanted: Rule['claims'] = {}, principal: Principal): string[] {
  const isFit = (claim: string, patterns: readonly string[]): boolean =>
    [valueOf(claim, principal) ?? []]
      .flat()
      .some((value) => patterns.some((pattern) => fits(pattern, value)));
  return Object.entries(wanted).flatMap(([claim, patterns]) => (isFit(claim, patterns) ? [] : [claim]));
}

/**
 * Only who acts now counts: whoever that one acts for in turn is reported (RFC 8693 section 4.1). A grant that covers actors is
 * one that the person asks for by the same rule.
 */
function actorObstacles(
  rule: Pick<Rule, 'actor' | 'approval' | 'breakGlass'>,
  principal: Principal,
): WhoseObstacle[] {
  const { actor: wanted, approval, breakGlass } = rule;
  if (!isActedFor(principal))
    return wanted === undefined || approval?.coversActors === true ? [] : [{ kind: 'no-actor' }];
  // An alarm and a review ask what a person thought.
  if (wanted === undefined || breakGlass !== undefined) return [{ kind: 'acts' }];
  return isActor(wanted, principal.actors![0]!, principal) ? [] : [{ kind: 'actor' }];
}

function isActor(wanted: NonNullable<Rule['actor']>, actor: Actor, { issuer }: Principal): boolean {
  if (wanted === 'any') return true;
  if (actor.issuer !== (wanted.issuer ?? issuer)) return false;
  return wanted.subject.some((pattern) => fits(pattern, actor.subject));
}
