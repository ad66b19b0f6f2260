/** What of the requests that are open matters first, to whom. */
import type { AccessRequest, Person } from '../api/types.ts';
import { many } from './words.ts';

export interface Inbox {
  /** Nobody goes on before the caller has decided, or somebody else. */
  readonly toDecide: readonly AccessRequest[];
  /** Broken glasses. */
  readonly toReview: readonly AccessRequest[];
  /** The caller's own. */
  readonly own: readonly AccessRequest[];
  /** That others have to decide, or that go on. */
  readonly others: readonly AccessRequest[];
}

/** What is over the soonest comes first among those to decide. */
export function inboxOf(open: readonly AccessRequest[], caller: Person): Inbox {
  const toDecide = open.filter((request) => waitsForCaller(request, caller));
  const toReview = open.filter(({ needsReview, mayDecide }) => needsReview && mayDecide);
  const taken = new Set([...toDecide, ...toReview]);
  const rest = open.filter((request) => !taken.has(request));
  return {
    toDecide: toDecide.toSorted((one, other) => (one.pendingUntil < other.pendingUntil ? -1 : 1)),
    toReview,
    own: rest.filter(({ requester }) => isSame(requester, caller)),
    others: rest.filter(({ requester }) => !isSame(requester, caller)),
  };
}

/** That the caller may decide about, and has not yet. */
export function waitsForCaller(request: AccessRequest, caller: Person): boolean {
  return request.state === 'pending' && request.mayDecide && decisionOf(request, caller) === undefined;
}

export function decisionOf({ decisions }: AccessRequest, caller: Person) {
  return decisions.find(({ by }) => isSame(by, caller));
}

export function isSame(one: Person, other: Person): boolean {
  return one.issuer === other.issuer && one.subject === other.subject;
}

/** Of what waits for the caller, what was not there the last time; nothing at the first look. */
export function newOnes(
  before: ReadonlySet<string> | undefined,
  { toDecide, toReview }: Inbox,
): readonly AccessRequest[] {
  return before === undefined ? [] : [...toDecide, ...toReview].filter(({ id }) => !before.has(id));
}

/** For who listens: `One new request`. */
export function newsText(news: readonly AccessRequest[]): string {
  if (news.length === 0) return '';
  return news.length === 1 ? 'One new request' : many(news.length, 'new request');
}
