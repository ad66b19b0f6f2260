import { expect, it } from 'vitest';
import { Vigil } from '#proxy/recorder/vigil.ts';

/** A vigil on a clock that goes on 0.1 ms at each look; `rings`: after so many looks the bell is rung. */
function watch({ cores = 2 } = {}) {
  let nowMs = 0;
  let looks = 0;
  const vigil = new Vigil({ now: () => (nowMs += 0.1), cores });
  const after = (sessions: number, { tookMs = 0.5, rings = 2 } = {}): number => {
    looks = 0;
    const bell = {
      watch: () => undefined,
      get isRung(): boolean {
        return (looks += 1) > rings;
      },
    };
    vigil.keep(bell, sessions, tookMs);
    return looks;
  };
  const times = (n: number, sessions: number): number[] => Array.from({ length: n }, () => after(sessions));
  return { after, times };
}

it('watches once a session has been alone for a while, until the bell is rung', () => {
  const { after, times } = watch();
  expect(times(15, 1)).toEqual(Array(15).fill(0));
  expect(after(1)).toBeGreaterThan(2);
  expect(after(1)).toBeGreaterThan(2);
});

it('goes to sleep where nobody rings, and watches less often from then on', () => {
  const { after, times } = watch();
  times(15, 1);
  expect(after(1, { rings: Infinity })).toBeLessThan(20);
  expect(times(7, 1)).toEqual(Array(7).fill(0));
  expect(after(1)).toBeGreaterThan(2);
});

it.each([
  ['another session has been in a commit', 2, {}],
  ['the journal is slow', 1, { tookMs: 3 }],
])('begins anew where %s', (_, sessions, more) => {
  const { after, times } = watch();
  times(20, 1);
  expect(after(sessions, more)).toBe(0);
  expect(times(15, 1)).toEqual(Array(15).fill(0));
});

it('never watches on one core: whoever would ring has none', () => {
  expect(watch({ cores: 1 }).times(40, 1)).toEqual(Array(40).fill(0));
});
