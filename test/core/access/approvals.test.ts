import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Counted, isApproved, reviewerGroups } from '#core/access/approvals.ts';
import type { Approval } from '#core/access/config.ts';

type Terms = Pick<Approval, 'reviewers' | 'approvals'>;

const any = (approvals: number, ...groups: string[]): Terms => ({ reviewers: { any: groups }, approvals });
const all = (approvals: number, ...groups: string[]): Terms => ({ reviewers: { all: groups }, approvals });
/** Approvals of people, by the groups of each: 'a', 'ab', ''. */
const by = (...people: string[]): Counted[] => people.map((groups) => ({ groups: groups.split('') }));

describe('isApproved', () => {
  it.each<[what: string, terms: Terms, given: Counted[], approved: boolean]>([
    ['nobody', any(1, 'a'), by(), false],
    ['one of one', any(1, 'a'), by('a'), true],
    ['one of two', any(2, 'a'), by('a'), false],
    ['two of two, of one group', any(2, 'a', 'b'), by('a', 'a'), true],
    ['two of two, of different groups', any(2, 'a', 'b'), by('a', 'b'), true],
    ['somebody of both groups, who is one person', any(2, 'a', 'b'), by('ab'), false],
    ['somebody of no group of the rule', any(2, 'a'), by('a', 'x'), false],
    ['somebody of no group at all', any(1, 'a'), by(''), false],
    ['more than enough', any(1, 'a'), by('a', 'a', 'a'), true],
    ['everybody may', any(2, '*'), by('*', '*'), true],
    ['one for each group', all(1, 'a', 'b'), by('a', 'b'), true],
    ['one group left out', all(1, 'a', 'b'), by('a', 'a', 'a'), false],
    ['somebody of both groups, who fills one seat', all(1, 'a', 'b'), by('ab'), false],
    ['somebody of both groups, and one of the first', all(1, 'a', 'b'), by('ab', 'a'), true],
    ['the same two in the other order', all(1, 'a', 'b'), by('a', 'ab'), true],
    ['one of the second, and somebody of both', all(1, 'a', 'b'), by('ab', 'b'), true],
    ['two for each group', all(2, 'a', 'b'), by('a', 'ab', 'b', 'ab'), true],
    ['three where four are needed', all(2, 'a', 'b'), by('ab', 'ab', 'ab'), false],
    ['seats that must be given up three times', all(1, 'a', 'b', 'c'), by('abc', 'ab', 'a'), true],
    ['three groups, two of whom have one person', all(1, 'a', 'b', 'c'), by('ab', 'c', 'c'), false],
    ['a group that is named twice', all(1, 'a', 'a'), by('a'), true],
    ['everybody, as one of the groups', all(1, 'a', '*'), by('a*', '*'), true],
    ['one person for a group and for everybody', all(1, 'a', '*'), by('a*'), false],
  ])('%s (security case 11)', (_what, terms, given, approved) => {
    expect(isApproved(terms, given)).toBe(approved);
  });
});

describe('reviewerGroups', () => {
  it.each<[what: string, terms: Terms, groups: string[], expected: string[]]>([
    ['those of the rule alone', any(1, 'a', 'b'), ['x', 'b', 'a'], ['a', 'b']],
    ['none', any(1, 'a'), ['A', 'aa', ' a'], []],
    ['each once', all(1, 'a', 'a'), ['a', 'a'], ['a']],
    ['everybody, also with no group', all(1, 'a', '*'), [], ['*']],
    ['a group of the token that is called * is not everybody', any(1, 'a'), ['*'], []],
  ])('%s', (_what, terms, groups, expected) => {
    expect(reviewerGroups(terms, { groups })).toEqual(expected);
  });

  it('is not everybody for a machine', () => {
    expect(reviewerGroups(all(1, 'a', '*'), { groups: ['a'], workload: true })).toEqual(['a']);
  });
});

const groupNames = ['a', 'b', 'c'] as const;
const someGroups = fc.subarray([...groupNames, 'x']);
const anyTerms: fc.Arbitrary<Terms> = fc.record({
  approvals: fc.integer({ min: 1, max: 2 }),
  reviewers: fc.oneof(
    fc.record({ any: fc.subarray([...groupNames], { minLength: 1 }) }),
    fc.record({ all: fc.subarray([...groupNames], { minLength: 1 }) }),
  ),
});
const anyPeople = fc.array(
  someGroups.map((groups) => ({ groups })),
  { maxLength: 6 },
);

/** Tries every way of giving each seat to somebody who has none yet. */
function bruteForce({ reviewers, approvals }: Terms, given: readonly Counted[]): boolean {
  const seats: (readonly string[])[] =
    'any' in reviewers
      ? Array.from({ length: approvals }, () => reviewers.any)
      : reviewers.all.flatMap((group) => Array.from({ length: approvals }, () => [group]));
  return canFill(seats, given);
}

function canFill([seat, ...seats]: readonly (readonly string[])[], people: readonly Counted[]): boolean {
  if (seat === undefined) return true;
  return people.some(
    ({ groups }, taken) =>
      groups.some((group) => seat.includes(group)) && canFill(seats, people.toSpliced(taken, 1)),
  );
}

describe('isApproved, for any approvals', () => {
  it('is what trying everything finds', () => {
    const seen = { true: 0, false: 0 };
    fc.assert(
      fc.property(anyTerms, anyPeople, (terms, given) => {
        const expected = bruteForce(terms, given);
        seen[`${expected}`] += 1;
        expect(isApproved(terms, given)).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
    expect(Math.min(seen.true, seen.false)).toBeGreaterThan(200);
  });

  it('does not depend on the order in which they came', () => {
    fc.assert(
      fc.property(anyTerms, anyPeople, (terms, given) => {
        expect(isApproved(terms, given.toReversed())).toBe(isApproved(terms, given));
      }),
    );
  });

  it('is never taken back by one approval more', () => {
    fc.assert(
      fc.property(anyTerms, anyPeople, someGroups, fc.nat(6), (terms, given, groups, at) => {
        const more = given.toSpliced(at, 0, { groups });
        expect(isApproved(terms, given) && !isApproved(terms, more)).toBe(false);
      }),
      { numRuns: 1_000 },
    );
  });

  it('needs as many people as it has seats: nobody is counted twice (security case 11)', () => {
    fc.assert(
      fc.property(anyTerms, anyPeople, (terms, given) => {
        const { reviewers, approvals } = terms;
        const seats = 'any' in reviewers ? approvals : approvals * reviewers.all.length;
        expect(isApproved(terms, given) && given.length < seats).toBe(false);
      }),
      { numRuns: 1_000 },
    );
  });

  it('counts for nothing who is in no group of the rule', () => {
    fc.assert(
      fc.property(anyTerms, anyPeople, fc.nat(6), (terms, given, at) => {
        const more = given.toSpliced(at, 0, { groups: ['x'] }, { groups: [] });
        expect(isApproved(terms, more)).toBe(isApproved(terms, given));
      }),
    );
  });
});
