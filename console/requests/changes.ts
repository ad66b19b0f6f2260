/** What came of a request since somebody looked at it. */
import type { AccessRequest } from '../api/types.ts';
import { personText } from '../parts/person-text.ts';
import { stateWord } from './words.ts';

/** In words, each a sentence; empty where it is as it was. */
export function changes(before: AccessRequest, now: AccessRequest): readonly string[] {
  const decided = now.decisions
    .slice(before.decisions.length)
    .map(({ by, decision }) => `${personText(by)} ${decision === 'approved' ? 'approved' : 'denied'} it.`);
  const reviewed =
    now.review !== undefined && before.review === undefined
      ? [`${personText(now.review.by)} reviewed it: ${now.review.verdict}.`]
      : [];
  const state = before.state === now.state ? [] : [`It is now: ${stateWord(now.state).word.toLowerCase()}.`];
  return [...decided, ...reviewed, ...state];
}
