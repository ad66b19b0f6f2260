import { describe, expect, test } from 'vitest';
import type { ContractCommand, ValueTerms } from '../../../console/api/runs.ts';
import {
  answerTexts,
  oftenText,
  orderText,
  otherwiseText,
  placeTexts,
} from '../../../console/runs/contract-words.ts';
import { aTask } from './support.ts';

describe('a contract in words', () => {
  test.each([
    [1, 1, 'once'],
    [3, 3, '3 times'],
    [0, 1, 'at most once'],
    [0, 5, 'at most 5 times'],
    [2, 5, '2 to 5 times'],
  ])('%i to %i times', (min, max, words) => {
    expect(oftenText({ min, max })).toBe(words);
  });

  test.each<[ContractCommand['answers'], string]>([
    [{ error: 'none' }, ''],
    [{ error: 'any', rows: { min: 1, max: 1 } }, '1 row; may fail'],
    [{ error: 'none', rows: { min: 2 }, columns: ['a', 'b'] }, '2 rows or more; columns a, b'],
    [{ error: 'none', affected: { min: 0, max: 3 }, withinMs: 5_000 }, '0 to 3 rows changed; within 5 s'],
  ])('answers %j', (answers, words) => {
    expect(answerTexts(answers).join('; ')).toBe(words);
  });

  test.each<[ValueTerms, string]>([
    [{ type: 'integer', nullable: false, max: 2500 }, 'integer; ≤ 2500'],
    [{ type: 'text', nullable: true, oneOf: ['a', 'b'] }, 'text; a or b; NULL too'],
    [{ type: 'integer', nullable: false, many: 500, min: 1 }, 'integer; ≥ 1; a list of 500 or fewer'],
    [{ type: 'text', nullable: false, maxLength: 9, pattern: 'x+' }, 'text; as /x+/; 9 characters or fewer'],
  ])('values %j', (terms, words) => {
    expect(placeTexts(terms).join('; ')).toBe(words);
  });

  test('anything else', () => {
    const ask = { approvals: 2, any: ['leads', 'owners'], waitSeconds: 300 };
    expect(otherwiseText(aTask('t', {}))).toContain('refused before it reaches the target');
    expect(otherwiseText(aTask('t', { onDeviation: 'record' }))).toContain('goes on');
    expect(otherwiseText(aTask('t', { onDeviation: 'ask', ask }))).toBe(
      'Anything else waits for 2 approvals of leads or owners, for 5 min at most.',
    );
  });

  test('order', () => {
    expect(orderText(aTask('t', { order: 'strict', allow: [] }))).toBe(
      'Commands in this order, nothing beside them.',
    );
    expect(orderText(aTask('t', {}))).toContain('any order, transactions and settings beside them');
  });
});
