import { describe, expect, it } from 'vitest';
import { type Candidate, emptiest, ownOf, placeOf } from '#proxy/processes/choice.ts';

const process = (number: number, load: number, more: Partial<Candidate> = {}): Candidate => ({
  ...{ number, load, isFull: false, mayBeFull: false, isIdle: true, isStuck: false },
  ...more,
});

describe('the process that a newcomer goes to', () => {
  it.each<[why: string, processes: readonly Candidate[], number: number | undefined]>([
    ['the one with the fewest connections', [process(1, 3), process(2, 2), process(3, 4)], 2],
    ['the first of those that have as many', [process(1, 2), process(2, 2)], 1],
    [
      'of those that have as many, the one that takes it at once',
      [process(1, 2, { isIdle: false }), process(2, 2)],
      2,
    ],
    [
      'nobody yet, where the emptiest is busy: a quick one would get all of a crowd',
      [process(1, 1, { isIdle: false }), process(2, 2)],
      undefined,
    ],
    [
      'the next, where the emptiest does not take what it was given',
      [process(1, 1, { isIdle: false, isStuck: true }), process(2, 2)],
      2,
    ],
    ['one that has room, whatever it has', [process(1, 1, { isFull: true }), process(2, 9)], 2],
    [
      'one that has room for all that may log in',
      [process(1, 1, { mayBeFull: true }), process(2, 3, { mayBeFull: false })],
      2,
    ],
    [
      'one that may have a place left, where the others have none',
      [process(1, 1, { isFull: true, mayBeFull: true }), process(2, 3, { mayBeFull: true })],
      2,
    ],
    [
      'a full one, where all are: it has the words',
      [process(1, 4, { isFull: true }), process(2, 3, { isFull: true })],
      2,
    ],
    ['nobody, where all are stuck', [process(1, 1, { isIdle: false, isStuck: true })], undefined],
    ['nobody, where there is none', [], undefined],
  ])('is %s', (_why, processes, number) => {
    expect(emptiest(processes)?.number).toBe(number);
  });
});

describe('an address whose connections belong together', () => {
  const own = placeOf('192.0.2.7', 2);
  const other = 3 - own;

  it('has one process, however crowded that is', () => {
    expect(ownOf([process(own, 90), process(other, 0)], '192.0.2.7', 2)?.number).toBe(own);
  });

  it('waits for it while it is busy', () => {
    expect(ownOf([process(own, 1, { isIdle: false }), process(other, 0)], '192.0.2.7', 2)).toBeUndefined();
  });

  it.each([
    ['is gone', [process(other, 5)]],
    [
      'does not take what it was given',
      [process(own, 1, { isIdle: false, isStuck: true }), process(other, 5)],
    ],
  ])('goes to another when it %s', (_what, processes) => {
    expect(ownOf(processes, '192.0.2.7', 2)?.number).toBe(other);
  });

  it('is spread over all', () => {
    const places = Array.from({ length: 64 }, (_, at) => placeOf(`192.0.2.${at}`, 3));
    expect(new Set(places)).toEqual(new Set([1, 2, 3]));
  });
});
