import { expect, it } from 'vitest';
import type { ChildState } from '#proxy/processes/messages.ts';
import { Totals } from '#proxy/processes/totals.ts';
import { Tally } from '#proxy/tally.ts';

const DAY_MS = 86_400_000;

function state(sessions: number, journalLagMs: number, certificateDay: number, broken = 0): ChildState {
  const tally = new Tally();
  for (let times = 0; times < broken; times += 1) tally.alarm();
  return { sessions, journalLagMs, certificateEnds: certificateDay * DAY_MS, counts: tally.take() };
}

it('a task of several processes is the sum of what happens in them, and as bad as the worst', () => {
  const tally = new Tally();
  let states = [state(3, 20, 9), state(4, 70, 8)];
  const totals = new Totals(() => states, tally);
  expect([totals.sessions(), totals.journalLagMs(), totals.certificateEnds()]).toEqual([
    7,
    70,
    new Date(8 * DAY_MS),
  ]);
  tally.alarm();
  totals.heard(state(1, 1, 1, 2));
  totals.heard(state(1, 1, 1, 4));
  expect(totals.take()).toMatchObject({ BreakGlass: 7, RefusedTokens: 0 });
  expect(totals.take()).toMatchObject({ BreakGlass: 0 });
  states = [];
  expect([totals.sessions(), totals.journalLagMs()]).toEqual([0, 0]);
});
