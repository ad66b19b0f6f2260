import { describe, expect, it } from 'vitest';
import type { LedgerHead } from '#core/ledger/ports.ts';
import type { Given } from './given.ts';

/** The promises of LedgerHead, for every adapter. `make` gives as many views of one head as it is asked for. */
export function ledgerHeadContract(name: string, make: () => Given<() => LedgerHead>): void {
  describe(`ledger head contract: ${name}`, () => {
    it('is not there before the first swap, and then is what was swapped in last', async () => {
      const view = await make();
      expect(await view().read()).toBeUndefined();
      const version = await view().swap(undefined, 'first');
      const first = await view().read();
      expect(first).toEqual({ checkpoint: 'first', version });
      await view().swap(version, 'second');
      const second = await view().read();
      expect(second?.checkpoint).toBe('second');
      expect(second?.version).not.toBe(first?.version);
    });

    it('refuses a swap of what is not there any more, and changes nothing', async () => {
      const view = await make();
      await view().swap(undefined, 'first');
      const first = await view().read();
      await view().swap(first!.version, 'second');
      await expect(view().swap(first!.version, 'fork')).rejects.toMatchObject({ code: 'conflict' });
      await expect(view().swap(undefined, 'fork')).rejects.toMatchObject({ code: 'conflict' });
      expect((await view().read())?.checkpoint).toBe('second');
    });

    it('lets one of many win', async () => {
      const view = await make();
      const swaps = Array.from({ length: 20 }, (_, n) => view().swap(undefined, `head ${n}`));
      const results = await Promise.allSettled(swaps);
      const won = results.flatMap(({ status }, n) => (status === 'fulfilled' ? [`head ${n}`] : []));
      expect(won).toEqual([(await view().read())?.checkpoint]);
    });
  });
}
