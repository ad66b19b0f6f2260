import { describe, expect, it } from 'vitest';
import {
  type DeadLetters,
  type DeliveryIntake,
  type DeliveryQueue,
  deliveryId,
  type TakeWish,
} from '#core/notify/deliveries.ts';
import { newsItem } from '#test/support/news.ts';
import type { Given } from './given.ts';

type Deliveries = DeliveryIntake & DeliveryQueue & DeadLetters;

const T0 = Date.parse('2026-03-01T12:00:00.000Z');
const at = (seconds: number): Date => new Date(T0 + seconds * 1000);
const idOf = (n: number, webhook = 'a'): string => deliveryId(newsItem(n), webhook);

/** The promises of the deliveries' ports, for every adapter. `make` gives as many views of one store as it is asked for. */
export function deliveriesContract(name: string, make: () => Given<() => Deliveries>): void {
  /** Takes at `seconds`, for a minute. */
  async function taken(queue: DeliveryQueue, seconds = 0, wish: Partial<TakeWish> = {}): Promise<string[]> {
    const usual = { now: at(seconds), until: at(seconds + 60), limit: 100, except: [] };
    return (await queue.take({ ...usual, ...wish })).map(({ id }) => id).sort();
  }
  async function deadIds(letters: DeadLetters, limit = 100): Promise<string[]> {
    return (await letters.dead(limit)).map(({ id }) => id);
  }
  async function addAll(intake: DeliveryIntake, numbers: readonly number[], webhook = 'a'): Promise<void> {
    for (const n of numbers) await intake.add(newsItem(n), [webhook]);
  }

  describe(`deliveries contract: ${name}`, () => {
    it('has what was added on its way to every webhook at once, for everybody', async () => {
      const view = await make();
      const news = newsItem(1, { reason: 'ünïcode, "quotes" \u0000 and \\ 🔑' });
      await view().add(news, ['a', 'b']);
      const all = await view().take({ now: at(0), until: at(60), limit: 9, except: [] });
      const expected = ['a', 'b'].map((webhook) => ({
        id: deliveryId(news, webhook),
        webhook,
        news,
        failures: 0,
      }));
      expect([...all].sort((x, y) => (x.id < y.id ? -1 : 1))).toEqual(expected);
    });

    it('has nothing on its way to nobody', async () => {
      const view = await make();
      await view().add(newsItem(1), []);
      expect(await taken(view())).toEqual([]);
    });

    it('gives a delivery to one taker until its time is over, whatever becomes of that one', async () => {
      const view = await make();
      await addAll(view(), [1]);
      const takes = await Promise.all([taken(view()), taken(view()), taken(view())]);
      expect(takes.flat()).toEqual([idOf(1)]);
      expect(await taken(view(), 59.999)).toEqual([]);
      expect(await taken(view(), 60)).toEqual([idOf(1)]);
    });

    it('has a delivery once, however often it is added', async () => {
      const view = await make();
      await Promise.all([1, 2, 3].map(() => view().add(newsItem(1), ['a'])));
      await view().add(newsItem(1), ['a', 'b']);
      expect(await taken(view())).toEqual([idOf(1), idOf(1, 'b')]);
      await view().add(newsItem(1), ['a', 'b']);
      expect(await taken(view())).toEqual([]);
    });

    it('knows what was delivered for good', async () => {
      const view = await make();
      await addAll(view(), [1, 2]);
      await taken(view());
      await view().delivered(idOf(1));
      await addAll(view(), [1, 2]);
      expect(await taken(view(), 1000)).toEqual([idOf(2)]);
      await view().failed(idOf(1), { nextAt: at(0) }, 'late');
      await view().failed(idOf(1), { dead: true }, 'late');
      expect(await taken(view(), 2000)).toEqual([idOf(2)]);
      expect(await deadIds(view())).toEqual([]);
    });

    it('has what failed due again at its time, and counts', async () => {
      const view = await make();
      await addAll(view(), [1]);
      await taken(view());
      await view().failed(idOf(1), { nextAt: at(5) }, 'it answered 500');
      expect(await taken(view(), 4.999)).toEqual([]);
      const [again] = await view().take({ now: at(5), until: at(65), limit: 9, except: [] });
      expect(again).toEqual({ id: idOf(1), webhook: 'a', news: newsItem(1), failures: 1 });
      await view().failed(idOf(1), { nextAt: at(90) }, 'it answered 500');
      expect(await taken(view(), 89)).toEqual([]);
      expect(await view().take({ now: at(90), until: at(99), limit: 9, except: [] })).toMatchObject([
        { failures: 2 },
      ]);
    });

    it('keeps the dead with what was wrong, and neither tries them nor takes them again', async () => {
      const view = await make();
      await addAll(view(), [1, 2, 3]);
      await taken(view());
      await view().failed(idOf(1), { dead: true }, 'it answered 410');
      await view().failed(idOf(2), { nextAt: at(5) }, 'it answered 500');
      await view().failed(idOf(3), { dead: true }, 'gone');
      await view().failed(idOf(3), { nextAt: at(5) }, 'somebody who was late');
      await addAll(view(), [1, 3]);
      expect(await taken(view(), 1000)).toEqual([idOf(2)]);
      expect(await view().dead(100)).toEqual([
        { id: idOf(3), webhook: 'a', news: newsItem(3), failures: 1, problem: 'gone' },
        { id: idOf(1), webhook: 'a', news: newsItem(1), failures: 1, problem: 'it answered 410' },
      ]);
      expect(await deadIds(view(), 1)).toEqual([idOf(3)]);
      expect(await deadIds(view(), 0)).toEqual([]);
    });

    it('goes on after any of them, also after one that is dead no more', async () => {
      const view = await make();
      const numbers = [1, 2, 3, 4, 5];
      await addAll(view(), numbers);
      await taken(view());
      for (const n of numbers) await view().failed(idOf(n), { dead: true }, 'gone');
      const after = async (n: number, limit = 2) => (await view().dead(limit, idOf(n))).map(({ id }) => id);
      expect(await after(4)).toEqual([idOf(3), idOf(2)]);
      await view().again(idOf(4), at(100));
      await view().delivered(idOf(3));
      expect(await after(4)).toEqual([idOf(2), idOf(1)]);
      expect(await after(3)).toEqual([idOf(2), idOf(1)]);
      expect(await after(1)).toEqual([]);
      await expect(view().dead(2, 'a/none')).rejects.toMatchObject({ code: 'not-found' });
    });

    it('has no longer dead what did arrive', async () => {
      const view = await make();
      await addAll(view(), [1]);
      await taken(view());
      await view().failed(idOf(1), { dead: true }, 'given up by one');
      await view().delivered(idOf(1));
      expect(await deadIds(view())).toEqual([]);
    });

    it('has a dead one due again when somebody says so, with all its attempts', async () => {
      const view = await make();
      await addAll(view(), [1]);
      await taken(view());
      await view().failed(idOf(1), { dead: true }, 'gone');
      await view().again(idOf(1), at(100));
      expect(await deadIds(view())).toEqual([]);
      expect(await taken(view(), 99)).toEqual([]);
      expect(await view().take({ now: at(100), until: at(160), limit: 9, except: [] })).toMatchObject([
        { failures: 0 },
      ]);
    });

    it('finds no dead letter that is not one', async () => {
      const view = await make();
      await addAll(view(), [1, 2]);
      await taken(view());
      await view().delivered(idOf(2));
      for (const id of [idOf(1), idOf(2), idOf(3), "' OR 1=1 --"]) {
        await expect(view().again(id, at(0))).rejects.toMatchObject({ code: 'not-found' });
      }
      expect(await taken(view(), 30)).toEqual([]);
    });

    it('gives no more of one webhook than is wished, and of none that is left out', async () => {
      const view = await make();
      await addAll(view(), [1, 2, 3], 'a');
      await addAll(view(), [4], 'b');
      await addAll(view(), [5], 'c');
      expect(await taken(view(), 0, { limit: 0 })).toEqual([]);
      expect(await taken(view(), 0, { limit: 2, except: ['c'] })).toEqual([idOf(1), idOf(2), idOf(4, 'b')]);
      expect(await taken(view(), 0, { limit: 2, except: ['b', 'a'] })).toEqual([idOf(5, 'c')]);
      expect(await taken(view(), 0, { limit: 2 })).toEqual([idOf(3)]);
    });

    it('gives first what was never tried, then what has waited longest', async () => {
      const view = await make();
      await addAll(view(), [1, 2, 3]);
      await taken(view());
      await view().failed(idOf(1), { nextAt: at(9) }, 'x');
      await view().failed(idOf(2), { nextAt: at(7) }, 'x');
      await view().failed(idOf(3), { nextAt: at(8) }, 'x');
      await addAll(view(), [4]);
      const order: string[][] = [];
      for (let n = 0; n < 4; n += 1) order.push(await taken(view(), 100, { limit: 1 }));
      expect(order).toEqual([[idOf(4)], [idOf(2)], [idOf(3)], [idOf(1)]]);
    });

    it('minds no id that it does not know', async () => {
      const view = await make();
      await view().delivered('never/there');
      await view().failed('never/there', { dead: true }, 'x');
      expect(await taken(view())).toEqual([]);
      expect(await deadIds(view())).toEqual([]);
    });
  });
}
