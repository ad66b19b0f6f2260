import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Playback, readPlace, type StepPlaces } from '#core/replay/play/playback.ts';

interface Known {
  readonly at: number;
  readonly isError?: boolean;
  readonly isWrite?: boolean;
}

function places(steps: readonly Known[]): StepPlaces {
  const all = steps.map((step, at) => ({ ...step, number: at + 1 }));
  return {
    total: all.length,
    find: async (from, direction, stop) => {
      const fits = all.filter(
        (one) => stop === 'step' || (stop === 'error' ? one.isError === true : one.isWrite === true),
      );
      return direction === 'next'
        ? fits.find(({ number }) => number > from)
        : fits.findLast(({ number }) => number < from);
    },
    atTime: async (at) => all.find((one) => one.at >= at) ?? all.at(-1),
  };
}

const STEPS: Known[] = [
  { at: 0 },
  { at: 1_000_000, isWrite: true },
  { at: 61_000_000, isError: true },
  { at: 61_500_000, isWrite: true },
];

describe('playback', () => {
  it('waits as long as it was, divided by the speed, and no longer than the idle limit', async () => {
    const playback = new Playback(places(STEPS), { speed: 2, idleLimit: 3_000_000 });
    const waits: number[] = [];
    for (let next = await playback.upcoming(); next; next = await playback.upcoming()) {
      waits.push(next.ms);
      playback.arrive(next.step);
    }
    expect(waits).toEqual([0, 500, 1_500, 250]);
    expect(playback.isPlaying).toBe(false);
  });

  it('goes to the next error and write, and back, and stops there', async () => {
    const playback = new Playback(places(STEPS), { speed: 1 });
    expect((await playback.jump('next', 'error'))?.number).toBe(3);
    expect(playback.isPlaying).toBe(false);
    expect((await playback.jump('next', 'error'))?.number).toBeUndefined();
    expect(playback.now?.number).toBe(3);
    expect((await playback.jump('next', 'write'))?.number).toBe(4);
    expect((await playback.jump('previous', 'write'))?.number).toBe(2);
    expect((await playback.jump('previous', 'step'))?.number).toBe(1);
    expect(await playback.jump('previous', 'step')).toBeUndefined();
  });

  it('goes on from where somebody went', async () => {
    const playback = new Playback(places(STEPS), { speed: 1 });
    await playback.goTo('2');
    expect(await playback.upcoming()).toEqual({ step: expect.objectContaining({ number: 3 }), ms: 60_000 });
    await playback.goTo('1:01.2');
    expect(playback.now?.number).toBe(4);
    await playback.goTo('50%');
    expect(playback.now?.number).toBe(2);
    expect(await playback.goTo('nowhere')).toBeUndefined();
    expect(playback.now?.number).toBe(2);
  });

  it('is faster and slower within bounds', () => {
    const playback = new Playback(places(STEPS), { speed: 3 });
    playback.faster();
    expect(playback.speed).toBe(4);
    for (let times = 0; times < 20; times++) playback.faster();
    expect(playback.speed).toBe(64);
    for (let times = 0; times < 20; times++) playback.slower();
    expect(playback.speed).toBe(0.25);
  });

  it('has nothing to show where there is no step', async () => {
    const playback = new Playback(places([]), { speed: 1 });
    expect(await playback.upcoming()).toBeUndefined();
    expect(await playback.goTo('50%')).toBeUndefined();
    expect(await playback.jump('next', 'error')).toBeUndefined();
  });
});

describe('a place', () => {
  it.each<[string, ReturnType<typeof readPlace>]>([
    ['12', { step: 12 }],
    ['0', { step: 1 }],
    ['999999', { step: 200 }],
    ['100%', { step: 200 }],
    ['0%', { step: 1 }],
    ['900%', { step: 200 }],
    ['12.5', { at: 12_500_000 }],
    ['90s', { at: 90_000_000 }],
    ['1:02', { at: 62_000_000 }],
    ['2:00:00.25', { at: 7_200_250_000 }],
    ['', undefined],
    ['-1', undefined],
    ['1e3', undefined],
    ['::', undefined],
  ])('%j', (text, place) => {
    expect(readPlace(text, 200)).toEqual(place);
  });

  it('is within the session or none, whatever is typed', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), fc.nat(1000), (text, total) => {
        const place = readPlace(text, total) ?? { at: 0 };
        const isWithin =
          'step' in place
            ? place.step >= 1 && place.step <= Math.max(1, total)
            : Number.isSafeInteger(place.at) && place.at >= 0;
        expect(isWithin).toBe(true);
      }),
    );
  });
});
