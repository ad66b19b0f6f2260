import { describe, expect, it } from 'vitest';
import type { SealingClaims } from '#core/recording/sealing-claims.ts';
import type { Given } from './given.ts';

const at = (ms: number): Date => new Date(1_800_000_000_000 + ms);

/** The promises of SealingClaims, for every adapter. `make` gives as many views of the same claims as it is asked for. */
export function sealingClaimsContract(name: string, make: () => Given<() => SealingClaims>): void {
  describe(`sealing claims contract: ${name}`, () => {
    it('are of one sealer until their time is over, and not of another', async () => {
      const view = await make();
      const [one, two] = [view(), view()];
      expect(await one.claim('task', 'a', at(0), at(100))).toBe(true);
      expect(await two.claim('task', 'b', at(99), at(500))).toBe(false);
      expect(await two.claim('task', 'b', at(100), at(500))).toBe(true);
      expect(await one.claim('task', 'a', at(101), at(900))).toBe(false);
    });

    it('are lengthened by whoever has them', async () => {
      const view = await make();
      const [one, two] = [view(), view()];
      await one.claim('task', 'a', at(0), at(100));
      expect(await one.claim('task', 'a', at(50), at(200))).toBe(true);
      expect(await two.claim('task', 'b', at(150), at(300))).toBe(false);
    });

    it('are given up by whoever has them, and by nobody else', async () => {
      const claims = (await make())();
      await claims.claim('task', 'a', at(0), at(100));
      await claims.release('task', 'b');
      expect(await claims.claim('task', 'b', at(1), at(100))).toBe(false);
      await claims.release('task', 'a');
      expect(await claims.claim('task', 'b', at(2), at(100))).toBe(true);
      await claims.release('another task', 'b');
    });

    it('of one task are nothing to another', async () => {
      const claims = (await make())();
      await claims.claim('task', 'a', at(0), at(100));
      expect(await claims.claim('another', 'b', at(0), at(100))).toBe(true);
    });

    it('are had by one of many who ask at once', async () => {
      const view = await make();
      const asked = Array.from({ length: 8 }, (_, n) => view().claim('task', `sealer ${n}`, at(0), at(100)));
      expect((await Promise.all(asked)).filter((had) => had)).toHaveLength(1);
    });
  });
}
