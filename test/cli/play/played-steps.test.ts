import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { playedSteps } from '#cli/play/played-steps.ts';
import type { ShownStep, StepPages } from '#cli/steps/step-page.ts';

interface Known {
  readonly at: number;
  readonly isError: boolean;
}

/** As the API pages, but with pages that may be short or empty, as those that looked far are. */
function pages(steps: readonly Known[], look: number): StepPages {
  const all: ShownStep[] = steps.map(({ at, isError }, n) => ({
    number: n + 1,
    marks: isError ? ['error'] : [],
    json: { kind: 'query', at, took: 1 },
  }));
  const about = { session: 's', protocol: 'postgres', verdict: 'verified' as const, findings: [] };
  const total = { steps: all.length, errors: 0, writes: 0 };
  return {
    checkedBy: 'a test',
    page: async ({ direction, cursor, from, at, errors }, limit) => {
      const fits = (step: ShownStep) => errors !== true || step.marks.includes('error');
      if (direction === 'previous') {
        const end = cursor ?? all.length;
        const begin = Math.max(0, end - look);
        const found = all.slice(begin, end).filter(fits).slice(-limit);
        const before = found.length === limit ? found[0]!.number - 1 : begin;
        return { ...about, total, steps: found, ...(before > 0 ? { previous: before } : {}) };
      }
      const time = all.find((step) => Number(step.json['at']) >= Number(at) * 1e6)?.number ?? all.length + 1;
      const begin = cursor ?? (at === undefined ? (from ?? 1) : time) - 1;
      const found = all
        .slice(begin, begin + look)
        .filter(fits)
        .slice(0, limit);
      const next = found.length === limit ? found.at(-1)!.number : begin + look;
      return { ...about, total, steps: found, ...(next < all.length ? { next } : {}) };
    },
  };
}

const session = fc.array(fc.record({ gap: fc.nat(5_000_000), isError: fc.boolean() }), { maxLength: 40 });

it('finds what a look over all steps finds, whatever a page holds', async () => {
  await fc.assert(
    fc.asyncProperty(
      session,
      fc.integer({ min: 1, max: 60 }),
      fc.nat(45),
      fc.nat(1e8),
      async (made, look, from, at) => {
        let sum = 0;
        const steps = made.map(({ gap, isError }) => ({ at: (sum += gap), isError }));
        const played = await playedSteps(pages(steps, look));
        const numbered = steps.map((step, n) => ({ ...step, number: n + 1 }));
        const errors = numbered.filter(({ isError }) => isError);
        const number = Math.min(from, steps.length);
        expect(played.total).toBe(steps.length);
        expect((await played.find(number, 'next', 'step'))?.number).toBe(numbered[number]?.number);
        expect((await played.find(number, 'previous', 'step'))?.number).toBe(numbered[number - 2]?.number);
        expect((await played.find(number, 'next', 'error'))?.number).toBe(
          errors.find((step) => step.number > number)?.number,
        );
        expect((await played.find(number, 'previous', 'error'))?.number).toBe(
          errors.findLast((step) => step.number < number)?.number,
        );
        expect((await played.atTime(at))?.number).toBe(
          (numbered.find((step) => step.at >= at) ?? numbered.at(-1))?.number,
        );
      },
    ),
  );
});

it('says so where there is no such step', async () => {
  const played = await playedSteps(pages([{ at: 0, isError: false }], 10));
  await expect(played.read(2)).rejects.toMatchObject({ code: 'not-found' });
});
