import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Slots } from '#core/slots.ts';

/** Work that ends when it is told to. */
function works() {
  const begun: number[] = [];
  const ends = new Map<number, () => void>();
  const work = (n: number) => (): Promise<number> => {
    begun.push(n);
    return new Promise((end) => ends.set(n, () => end(n)));
  };
  return { begun, work, end: (n: number) => ends.get(n)!() };
}

async function settled(): Promise<void> {
  for (let i = 0; i < 10; i += 1) await Promise.resolve();
}

describe('Slots', () => {
  it('lets in what fits, and the next in order once there is room', async () => {
    const { begun, work, end } = works();
    const slots = new Slots(3);
    const all = [2, 1, 3, 1].map((weight, n) => slots.hold(work(n), weight));
    expect(begun).toEqual([0, 1]);
    end(1);
    await settled();
    // One would fit, whenever it comes, and does not overtake.
    const late = slots.hold(work(4));
    expect(begun).toEqual([0, 1]);
    end(0);
    await settled();
    expect(begun).toEqual([0, 1, 2]);
    end(2);
    await settled();
    end(3);
    end(4);
    await late;
    expect(await Promise.all(all)).toEqual([0, 1, 2, 3]);
  });

  it('gives room back after work that fails', async () => {
    const slots = new Slots(1);
    await expect(slots.hold(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await slots.hold(async () => 'yes', 99)).toBe('yes');
  });

  it('never has more at once than its capacity, and ends all', async () => {
    const weights = fc.array(fc.integer({ min: 1, max: 7 }), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(weights, fc.integer({ min: 1, max: 5 }), async (asked, capacity) => {
        const slots = new Slots(capacity);
        let [now, most, done] = [0, 0, 0];
        const one = async (weight: number): Promise<void> => {
          now += Math.min(weight, capacity);
          most = Math.max(most, now);
          for (let i = 0; i < weight; i += 1) await Promise.resolve();
          now -= Math.min(weight, capacity);
          done += 1;
        };
        await Promise.all(asked.map((weight) => slots.hold(() => one(weight), weight)));
        expect(most).toBeLessThanOrEqual(capacity);
        expect(done).toBe(asked.length);
      }),
    );
  });
});
