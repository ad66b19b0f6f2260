import { expect, it } from 'vitest';
import { Closings, TOGETHER_MS } from '#proxy/recorder/closings.ts';

/** Closings, what they closed, and a clock that is set by hand. */
function closings() {
  const closed: (readonly string[])[] = [];
  let nowMs = 0;
  let due: { readonly at: number; readonly work: () => void } | undefined;
  const clock = {
    now: () => nowMs,
    later: (ms: number, work: () => void) => {
      due = { at: nowMs + ms, work };
      return () => (due = undefined);
    },
  };
  const sessions = new Closings<string>((all) => closed.push(all), clock);
  const passes = (ms: number): void => {
    nowMs += ms;
    if (due !== undefined && due.at <= nowMs) due.work();
  };
  return { sessions, closed, passes };
}

it('ends at once who ends alone, and together who ends while others do', () => {
  const { sessions, closed, passes } = closings();
  sessions.add('a');
  expect(closed).toEqual([['a']]);
  sessions.add('b');
  passes(TOGETHER_MS - 1);
  sessions.add('c');
  expect(closed).toEqual([['a']]);
  passes(1);
  expect(closed).toEqual([['a'], ['b', 'c']]);
  passes(TOGETHER_MS);
  sessions.add('d');
  expect(closed).toEqual([['a'], ['b', 'c'], ['d']]);
});

it('lets nobody wait who would wait when the gateway stops, and ends nobody twice', () => {
  const { sessions, closed, passes } = closings();
  sessions.add('a');
  sessions.add('b');
  sessions.now();
  passes(2 * TOGETHER_MS);
  sessions.now();
  expect(closed).toEqual([['a'], ['b']]);
});
