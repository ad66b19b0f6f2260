import type { Principal } from '../identity/principal.ts';
import type { Approval } from './config.ts';

/** An approval as it counts: who it is by has been seen to be another person than everybody before. */
export interface Counted {
  readonly groups: readonly string[];
}

/**
 * True when there are enough approvals, each by another person. `any`: so many people of these groups together. `all`: so many
 * for every group, nobody counted for two of them (security case 11).
 */
export function isApproved(
  { reviewers, approvals }: Pick<Approval, 'reviewers' | 'approvals'>,
  given: readonly Counted[],
): boolean {
  if ('any' in reviewers)
    return given.filter(({ groups }) => shares(groups, reviewers.any)).length >= approvals;
  const seats = [...new Set(reviewers.all)].flatMap((group) => Array<string>(approvals).fill(group));
  return canSeat(seats, given);
}

/** The groups of a rule's reviewers that somebody is in; `*` is every person, and no machine. */
export function reviewerGroups(
  { reviewers }: Pick<Approval, 'reviewers'>,
  { groups, workload }: Pick<Principal, 'groups' | 'workload'>,
): string[] {
  const named = 'any' in reviewers ? reviewers.any : reviewers.all;
  return [...new Set(named)].filter((group) => (group === '*' ? workload !== true : groups.includes(group)));
}

function shares(groups: readonly string[], wanted: readonly string[]): boolean {
  return groups.some((group) => wanted.includes(group));
}

/** Whether each seat can have a person of its group to itself: a bipartite matching, by augmenting paths. */
function canSeat(seats: readonly string[], people: readonly Counted[]): boolean {
  const seatOf = new Map<Counted, number>();
  return seats.every((_, seat) => seated(seat, seats, people, seatOf, new Set()));
}

function seated(
  seat: number,
  seats: readonly string[],
  people: readonly Counted[],
  seatOf: Map<Counted, number>,
  asked: Set<Counted>,
): boolean {
  for (const person of people) {
    if (asked.has(person) || !person.groups.includes(seats[seat]!)) continue;
    asked.add(person);
    const taken = seatOf.get(person);
    if (taken !== undefined && !seated(taken, seats, people, seatOf, asked)) continue;
    seatOf.set(person, seat);
    return true;
  }
  return false;
}
