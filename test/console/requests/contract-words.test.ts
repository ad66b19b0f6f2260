import { describe, expect, test } from 'vitest';
import { besides, commandText, wordsOf } from '../../../console/parts/contract-words.ts';

describe('a contract in words', () => {
  test.each([
    [{ min: 1, max: 3 }, '1 to 3'],
    [{ max: 3 }, 'at most 3'],
    [{ min: 1 }, 'at least 1'],
    [
      { max: 2500, type: 'number', from: 'find.orders.amount' },
      'type: number, from: find.orders.amount, max: 2500',
    ],
    [{ rows: { min: 1, max: 3 }, columns: ['a', 'b'] }, 'rows: (1 to 3), columns: (a, b)'],
    ['stop', 'stop'],
    [null, 'null'],
    ['a\u202eb', String.raw`a\u202eb`],
    [{ 'a\u001b': 1 }, String.raw`a\x1b: 1`],
  ])('%j', (value, words) => {
    expect(wordsOf(value)).toBe(words);
  });

  test('leaves out nothing that it has no place for', () => {
    expect(besides({ new: 1, target: 't', description: 'd' }, ['description'])).toEqual([
      ['target', 't'],
      ['new', 1],
    ]);
  });

  test('has the command of each protocol', () => {
    expect(commandText({ statement: 'select 1\n' })).toBe('select 1');
    expect(commandText({ argv: ['echo', "it's", '$1'] })).toBe(String.raw`echo 'it'\''s' $1`);
    expect(commandText({ call: { verb: 'get', resource: 'pods', namespace: 'shop' } })).toBe(
      'get pods\n  namespace: "shop"',
    );
  });
});
