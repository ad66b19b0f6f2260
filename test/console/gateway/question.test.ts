import { describe, expect, it } from 'vitest';
import { askedIn, changeOf } from '../../../console/gateway/question.ts';
import { seenIn, withLook } from '../../../console/gateway/seen.ts';
import { sparkPath } from '../../../console/gateway/spark-path.ts';
import type { Status } from '../../../console/api/gateway.ts';

describe('a question of the address', () => {
  it('is whole with an action and its target, and has what the API knows and nothing else', () => {
    expect(askedIn({ action: 'connect', target: 'orders-db', as: ' dana ', groups: '', tab: 'x' })).toEqual({
      action: 'connect',
      target: 'orders-db',
      as: 'dana',
    });
    expect(askedIn({ action: 'administer' })).toEqual({ action: 'administer' });
    expect(askedIn({ action: 'connect' })).toBeUndefined();
    expect(askedIn({ target: 'orders-db' })).toBeUndefined();
  });

  it('is made of the form, and leaves nothing of the one before', () => {
    const form = new FormData();
    for (const [name, value] of [
      ['action', 'administer'],
      ['target', 'orders-db'],
      ['as', 'dana'],
      ['at', '2026-11-29T21:04'],
    ])
      form.set(name!, value!);
    const change = changeOf(form);
    expect(change).toMatchObject({ action: 'administer', target: undefined, as: 'dana', groups: undefined });
    expect(Date.parse(change['at']!)).toBe(new Date('2026-11-29T21:04').getTime());
    expect(Object.keys(change)).toHaveLength(13);
  });
});

describe('what the page has seen', () => {
  const look = (at: string, open: number): Status =>
    ({ at, sessions: { open }, tasks: [], ledger: { queued: 0 } }) as unknown as Status;

  it('has every look once, in its order', () => {
    const looks = [look('a', 1), look('a', 1), look('b', 4)].reduce<readonly Status[]>(withLook, []);
    expect(seenIn(looks)).toEqual({ open: [1, 4], lagMs: [0, 0], queued: [0, 0] });
  });

  it('is drawn from left to right, the most at the top, and one value as a level line', () => {
    expect(sparkPath([0, 2, 1])).toBe('M2 26L60 2L118 14');
    expect(sparkPath([0])).toBe('M2 26L118 26');
    expect(sparkPath([5])).toBe('M2 2L118 2');
  });
});
