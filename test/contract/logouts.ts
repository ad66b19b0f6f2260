import { describe, expect, it } from 'vitest';
import type { Logouts, MarkedLogout, NewestLogouts } from '#core/identity/logouts.ts';
import type { Given } from './given.ts';

const START = Date.parse('2026-11-23T09:00:00.000Z');
const at = (seconds: number): Date => new Date(START + seconds * 1000);
const logout = (token: string, seconds: number, ...marks: string[]): MarkedLogout => ({
  token,
  at: at(seconds),
  marks,
});

/** `watch`: the same logouts, as whoever looks after live sessions sees them. */
export function logoutsContract(
  name: string,
  make: () => Given<{ readonly logouts: Logouts; readonly watch: NewestLogouts }>,
): void {
  describe(`${name} keeps logouts`, () => {
    it('and says of each mark when the newest was, at once, and nothing of others', async () => {
      const { logouts, watch } = await make();
      expect(await logouts.take(logout('t1', 10, 'dana', 's1'))).toBe(true);
      expect(await logouts.take(logout('t2', 20, 'dana'))).toBe(true);
      for (const view of [logouts, watch]) {
        expect(await view.newest(['dana', 's1', 'rui'])).toEqual(
          new Map([
            ['dana', at(20)],
            ['s1', at(10)],
          ]),
        );
        expect(await view.newest(['rui'])).toEqual(new Map());
        expect(await view.newest([])).toEqual(new Map());
      }
    });

    it('the newest by its own time, whatever came last', async () => {
      const { logouts, watch } = await make();
      await logouts.take(logout('t1', 20, 'dana'));
      await logouts.take(logout('t2', 10, 'dana'));
      for (const view of [logouts, watch])
        expect(await view.newest(['dana'])).toEqual(new Map([['dana', at(20)]]));
    });

    it('each token once, whatever it says the second time', async () => {
      const { logouts, watch } = await make();
      expect(await logouts.take(logout('t1', 10, 'dana'))).toBe(true);
      expect(await logouts.take(logout('t1', 10, 'dana'))).toBe(false);
      expect(await logouts.take(logout('t1', 30, 'dana', 'rui'))).toBe(false);
      for (const view of [logouts, watch])
        expect(await view.newest(['dana', 'rui'])).toEqual(new Map([['dana', at(10)]]));
    });

    it('of one token that comes many times at once, one', async () => {
      const { logouts } = await make();
      const taken = await Promise.all(Array.from({ length: 8 }, () => logouts.take(logout('t1', 1, 'dana'))));
      expect(taken.filter(Boolean)).toHaveLength(1);
    });

    it('also many of one moment under one mark', async () => {
      const { logouts, watch } = await make();
      const tokens = Array.from({ length: 12 }, (_, n) => `t${n}`);
      const taken = await Promise.all(
        tokens.map((token, n) => logouts.take(logout(token, n, 'dana', token))),
      );
      expect(taken).toEqual(tokens.map(() => true));
      for (const view of [logouts, watch]) {
        const newest = await view.newest(['dana', ...tokens]);
        expect(newest.get('dana')).toEqual(at(11));
        expect(newest.size).toBe(13);
      }
    });
  });
}
