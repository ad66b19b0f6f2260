import { expect, test } from 'vitest';
import { hintHere } from '../../../console/api/hint-here.ts';

test.each([
  ['log in again: custody login', 'sign in again'],
  ['run that task with it, or use a token that is for no task: custody login', undefined],
  ['see what you may use: custody targets', 'what you may use, and ask for, is on the page Ask'],
  [
    'reviewers of its rule decide, and nobody about their own: custody requests',
    'reviewers of its rule decide, and nobody about their own, on the page Requests',
  ],
  ['see those you may see: custody sessions', 'those you may see are on the page Sessions'],
  [
    'wait a moment, and see: custody run show refunds-1',
    'wait a moment, and see the run refunds-1 on the page Runs',
  ],
  ['custody explain says what each rule wants', 'what each rule wants is on the page Gateway, under Explain'],
  ['register it first: custody devices register', undefined],
])('%s', (hint, here) => {
  expect(hintHere(hint)).toBe(here ?? hint);
});
