import { expect, it } from 'vitest';
import { BLIND_MS, blindMsOf } from '#core/access/blind.ts';

const standing = { target: { onBlind: { hold: 15_000 } }, terms: {}, grant: undefined, context: {} };
const grant = { id: 'r', digest: 'd', until: new Date(0), approvedBy: [] };

it.each([
  ['a standing rule', standing, 15_000],
  ['a target that says end', { ...standing, target: { onBlind: 'end' as const } }, BLIND_MS],
  ['a grant', { ...standing, grant }, BLIND_MS],
  ['a task of a run', { ...standing, context: { task: {} } }, BLIND_MS],
  ['somebody who watches', { ...standing, terms: { moderated: {} } }, BLIND_MS],
])('a session by %s goes on unseen for its time (security case 12)', (_, session, ms) => {
  expect(blindMsOf(session as never)).toBe(ms);
});
