import {
  Authorization,
  decide,
  isDisabled,
  isForeign,
  type Refusal,
  refusalError,
} from '#core/access/decide.ts';
import { owns, sharesPeople } from '#core/access/own.ts';
import type { AccessRequest } from '#core/access/request.ts';
import type { RequestQuery } from '#core/access/store.ts';
import { isReviewer } from '#core/access/whose.ts';
import { CustodyError } from '#core/errors.ts';
import type { Asking } from '../asking.ts';

const EVERYTHING = '*';

/** Permission to decide about a request, or why there is none. */
export function mayDecide(request: AccessRequest, asking: Asking): Authorization<'approve'> | Refusal {
  const { policy, caller: principal, context, now } = asking;
  return decide({ policy, principal, action: 'approve', target: request.target, request, context, now });
}

/** One's own, those one may decide about, and all for who administers. */
export function isVisible(request: AccessRequest, asking: Asking): boolean {
  return isOwn(request, asking) || Authorization.isOne(mayDecide(request, asking)) || mayAdminister(asking);
}

/** A person's, also through who acts for them; of who acts for somebody only what they asked for themselves. */
export function isOwn({ requester }: AccessRequest, { caller, policy }: Asking): boolean {
  return owns(caller, requester, policy);
}

export function mayAdminister({ policy, caller: principal, context, now }: Asking): boolean {
  return Authorization.isOne(
    decide({ policy, principal, action: 'administer', target: EVERYTHING, context, now }),
  );
}

/** Throws `access-denied` for anybody who does not administer. */
export function requireAdminister({
  policy,
  caller: principal,
  context,
  now,
}: Asking): Authorization<'administer'> {
  const decision = decide({ policy, principal, action: 'administer', target: EVERYTHING, context, now });
  if (Authorization.isOne(decision)) return decision;
  throw refusalError(decision);
}

/** No rule is asked about one's own devices and certificates; who may do nothing here gets none (security case 12). */
export function refuseShutOut({ policy, caller }: Pick<Asking, 'policy' | 'caller'>): void {
  if (!isForeign(policy, caller) && !isDisabled(policy, caller)) return;
  throw new CustodyError('access-denied', 'you may not use this gateway', { hint: 'ask whoever runs it' });
}

/** A request that the caller may not know of answers like one that does not exist (security cases 7, 14). */
export function requireVisible(request: AccessRequest, asking: Asking): void {
  if (!isVisible(request, asking)) throw noSuchRequest();
}

export function noSuchRequest(): CustodyError {
  return new CustodyError('not-found', 'no such request', {
    hint: 'see those you may see: custody requests',
  });
}

/** Queries that together find what the caller may see, so that nobody pays for reading what they may not. */
export function visibleQueries(
  asking: Asking,
  target: string | undefined,
): readonly Pick<RequestQuery, 'requester' | 'target'>[] {
  const { issuer, subject } = asking.caller;
  const all = target === undefined ? {} : { target };
  const own = { requester: { issuer, subject }, ...all };
  // What somebody has under another account is found among everybody's: lists know no addresses.
  if (mayAdminister(asking) || sharesPeople(asking.caller, asking.policy)) return [all];
  const reviewed = reviewedTargets(asking);
  if (target !== undefined)
    return reviewed.some((name) => name === EVERYTHING || name === target) ? [{ target }] : [own];
  return reviewed.includes(EVERYTHING) ? [{}] : [own, ...reviewed.map((name) => ({ target: name }))];
}

/** The targets of the rules and the contracts whose reviewers the caller is one of; what each request says is decided one by one. */
function reviewedTargets({ policy, caller }: Asking): readonly string[] {
  const asking = [...policy.workflows.values()]
    .flatMap(({ tasks }) => Object.values(tasks))
    .filter(({ contract: { onDeviation } }) => {
      return typeof onDeviation === 'object' && isReviewer(onDeviation.ask.reviewers, caller);
    });
  const mine = policy.rules.filter(({ approval, breakGlass }) => {
    const terms = approval ?? breakGlass;
    return terms !== undefined && isReviewer(terms.reviewers, caller);
  });
  return [...new Set([...mine.flatMap(({ targets }) => targets), ...asking.map(({ target }) => target)])];
}
