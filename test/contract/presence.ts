import { describe, expect, it } from 'vitest';
import type { Presence, Watcher } from '#core/access/presence.ts';

const NOW = new Date('2026-11-23T09:00:00.000Z');
const at = (seconds: number): string => new Date(NOW.getTime() + seconds * 1000).toISOString();
const [ONE, TWO] = ['019aaf3e-6d1c-7a61-9f43-0b9a7c1d2e3f', '019aaf3e-6d1c-7a61-9f43-0b9a7c1d2e40'];

function watcher(session: string, subject: string, until: string): Watcher {
  const by = { issuer: 'https://id.example', subject, email: `${subject}@example.com` };
  return { session, by, groups: ['reviewers'], until };
}

/** `make` gives a store with nothing in it. */
export function presenceContract(name: string, make: () => Promise<Presence>): void {
  describe(`${name} keeps the contract of presence`, () => {
    it('knows who watches which session, as it was last said', async () => {
      const presence = await make();
      expect(await presence.watching([ONE])).toEqual([]);
      await presence.renew(watcher(ONE, 'rui', at(10)));
      await presence.renew(watcher(TWO, 'rui', at(10)));
      await presence.renew(watcher(ONE, 'sam', at(11)));
      await presence.renew(watcher(ONE, 'rui', at(20)));
      const found = [...(await presence.watching([ONE]))].toSorted((a, b) =>
        a.by.subject < b.by.subject ? -1 : 1,
      );
      expect(found).toEqual([watcher(ONE, 'rui', at(20)), watcher(ONE, 'sam', at(11))]);
      expect(await presence.watching([ONE, TWO])).toHaveLength(3);
      expect(await presence.watching([])).toEqual([]);
    });

    it('lists sessions that wait, until they wait no longer or their time is over', async () => {
      const presence = await make();
      await presence.awaits(ONE, at(60));
      await presence.awaits(TWO, at(30));
      expect([...(await presence.waiting(NOW))].toSorted()).toEqual([ONE, TWO]);
      expect(await presence.waiting(new Date(NOW.getTime() + 30_000))).toEqual([ONE]);
      await presence.begins(ONE);
      await presence.begins(ONE);
      expect(await presence.waiting(NOW)).toEqual([TWO]);
    });
  });
}
