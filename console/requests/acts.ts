/** What somebody can do about a request, and how it is said. */
import type { Api } from '../api/client.ts';
import { decide, giveBack, review, revoke, type Seen } from '../api/requests.ts';
import type { AccessRequest, Person } from '../api/types.ts';
import { isSame, waitsForCaller } from './inbox.ts';

export const actKinds = [
  'approve',
  'deny',
  'justified',
  'unjustified',
  'revoke',
  'withdraw',
  'return',
] as const;
export type ActKind = (typeof actKinds)[number];

interface Act {
  /** Of its button. */
  readonly word: string;
  /** Of the dialog that asks once more. */
  readonly question: string;
  /** What it does, for who has never done it. */
  readonly meaning: string;
  /** When it is done. */
  readonly done: string;
  readonly isGrave: boolean;
  readonly takesComment: boolean;
  readonly send: (api: Api, seen: Seen, comment: { readonly comment?: string }) => Promise<Seen>;
}

export const ACTS: Readonly<Record<ActKind, Act>> = {
  approve: {
    word: 'Approve',
    question: 'Approve this request?',
    meaning: 'The clock of the grant starts with the last approval it needs.',
    done: 'You approved it',
    isGrave: false,
    takesComment: true,
    send: (api, seen, comment) => decide(api, seen, { decision: 'approved', ...comment }),
  },
  deny: {
    word: 'Deny',
    question: 'Deny this request?',
    meaning: 'One denial ends it, whoever has approved before. They can ask again.',
    done: 'You denied it',
    isGrave: true,
    takesComment: true,
    send: (api, seen, comment) => decide(api, seen, { decision: 'denied', ...comment }),
  },
  justified: {
    word: 'Justified',
    question: 'Was breaking the glass justified?',
    meaning: 'Your review is the last word: it is entered in the ledger under your name.',
    done: 'You reviewed it: justified',
    isGrave: false,
    takesComment: true,
    send: (api, seen, comment) => review(api, seen, { verdict: 'justified', ...comment }),
  },
  unjustified: {
    word: 'Unjustified',
    question: 'Was breaking the glass unjustified?',
    meaning:
      'Your review is the last word: it is entered in the ledger under your name. It ends nothing; revoke a grant that still runs.',
    done: 'You reviewed it: unjustified',
    isGrave: true,
    takesComment: true,
    send: (api, seen, comment) => review(api, seen, { verdict: 'unjustified', ...comment }),
  },
  revoke: {
    word: 'Revoke',
    question: 'Revoke this grant?',
    meaning: 'Sessions that rest on it end within seconds, in the middle of what they do.',
    done: 'You revoked it',
    isGrave: true,
    takesComment: true,
    send: revoke,
  },
  withdraw: {
    word: 'Withdraw',
    question: 'Withdraw your request?',
    meaning: 'Nobody can approve it any more.',
    done: 'You withdrew it',
    isGrave: true,
    takesComment: false,
    send: (api, seen) => giveBack(api, seen),
  },
  return: {
    word: 'Give back',
    question: 'Give this access back?',
    meaning: 'Your sessions that rest on it end within seconds.',
    done: 'You gave it back',
    isGrave: true,
    takesComment: false,
    send: (api, seen) => giveBack(api, seen),
  },
};

/** What the caller can do about it now, what is most likely first. */
export function actsOn(request: AccessRequest, caller: Person): readonly ActKind[] {
  const { state, mayDecide, needsReview, requester } = request;
  const isGiven = state === 'granted' || state === 'used';
  const isOwn = isSame(requester, caller);
  return [
    ...(waitsForCaller(request, caller) ? (['approve', 'deny'] as const) : []),
    ...(mayDecide && needsReview ? (['justified', 'unjustified'] as const) : []),
    ...(mayDecide && isGiven ? (['revoke'] as const) : []),
    ...(isOwn && state === 'pending' ? (['withdraw'] as const) : []),
    ...(isOwn && isGiven ? (['return'] as const) : []),
  ];
}
