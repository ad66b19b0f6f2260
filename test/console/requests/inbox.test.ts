import { describe, expect, test } from 'vitest';
import { actsOn } from '../../../console/requests/acts.ts';
import { changes } from '../../../console/requests/changes.ts';
import { inboxOf, newOnes, newsText } from '../../../console/requests/inbox.ts';
import { DANA, decision, GRANT, RUI, request, SAM } from './examples.ts';

const ids = (requests: readonly { readonly id: string }[]) => requests.map(({ id }) => id);

describe('an inbox', () => {
  test('has first what waits for the caller, the soonest over first, then broken glasses, their own, and the rest', () => {
    const late = request({ id: 'late' });
    const soon = request({ id: 'soon', pendingUntil: '2026-11-23T10:00:00.000Z' });
    const decided = request({ id: 'decided', decisions: [decision(RUI)] });
    const glass = request({
      id: 'glass',
      state: 'granted',
      breakGlass: true,
      needsReview: true,
      grant: GRANT,
    });
    const own = request({ id: 'own', requester: RUI, mayDecide: false });
    const inbox = inboxOf([late, soon, decided, glass, own], RUI);
    expect(ids(inbox.toDecide)).toEqual(['soon', 'late']);
    expect(ids(inbox.toReview)).toEqual(['glass']);
    expect(ids(inbox.own)).toEqual(['own']);
    expect(ids(inbox.others)).toEqual(['decided']);
  });

  test('takes two accounts of one subject at two issuers for two', () => {
    const other = { ...RUI, issuer: 'https://other.example' };
    expect(ids(inboxOf([request({ decisions: [decision(other)] })], RUI).toDecide)).toHaveLength(1);
  });

  test('tells of what was not there before, and of nothing at the first look', () => {
    const inbox = inboxOf([request({ id: 'a' }), request({ id: 'b' })], RUI);
    expect(newOnes(undefined, inbox)).toEqual([]);
    expect(ids(newOnes(new Set(['a']), inbox))).toEqual(['b']);
    expect([newsText([]), newsText(newOnes(new Set(['a']), inbox)), newsText(inbox.toDecide)]).toEqual([
      '',
      'One new request',
      '2 new requests',
    ]);
  });
});

describe('what somebody can do', () => {
  const granted = { state: 'granted', grant: GRANT } as const;
  test.each([
    ['a reviewer, about what waits', request(), RUI, ['approve', 'deny']],
    ['a reviewer who has approved', request({ decisions: [decision(RUI)] }), RUI, []],
    ['a reviewer, about a grant', request(granted), RUI, ['revoke']],
    [
      'a reviewer, about a broken glass',
      request({ ...granted, breakGlass: true, needsReview: true }),
      RUI,
      ['justified', 'unjustified', 'revoke'],
    ],
    [
      'a reviewer, about a broken glass that is over',
      request({ state: 'ended', needsReview: true }),
      RUI,
      ['justified', 'unjustified'],
    ],
    ['who asked', request({ mayDecide: false }), DANA, ['withdraw']],
    ['who has it', request({ ...granted, mayDecide: false }), DANA, ['return']],
    ['who only sees it', request({ mayDecide: false }), SAM, []],
    ['anybody, about what is over', request({ state: 'denied' }), RUI, []],
  ] as const)('%s', (_who, about, caller, acts) => {
    expect(actsOn(about, caller)).toEqual(acts);
  });
});

describe('what has changed', () => {
  test('is said: decisions, the review, and how it stands', () => {
    const before = request({ decisions: [decision(RUI)] });
    const now = request({ state: 'granted', grant: GRANT, decisions: [decision(RUI), decision(SAM)] });
    expect(changes(before, now)).toEqual(['sam@example.com approved it.', 'It is now: granted.']);
    expect(changes(before, before)).toEqual([]);
    const reviewed = request({ review: { verdict: 'unjustified', by: SAM, at: GRANT.from } });
    expect(changes(request(), reviewed)).toEqual(['sam@example.com reviewed it: unjustified.']);
  });

  test('names nobody by an address that hides how it reads', () => {
    const hostile = { ...SAM, email: 'sam\u202e@example.com' };
    expect(changes(request(), request({ decisions: [decision(hostile)] }))).toEqual([
      String.raw`sam\u202e@example.com approved it.`,
    ]);
  });
});
