import { describe, expect, test } from 'vitest';
import type { RunInputTerms } from '../../../console/api/runs.ts';
import { choicesOf, fieldKind, givenInputs, hintOf, startLine } from '../../../console/runs/inputs.ts';

const terms = (more: Partial<RunInputTerms>): RunInputTerms => ({ type: 'text', nullable: false, ...more });

describe('an input of a run', () => {
  test.each<[Partial<RunInputTerms>, string]>([
    [{ type: 'integer' }, 'number'],
    [{ type: 'number' }, 'number'],
    [{ type: 'date' }, 'date'],
    [{ type: 'timestamp' }, 'line'],
    [{ type: 'uuid' }, 'line'],
    [{ type: 'boolean' }, 'choice'],
    [{ type: 'integer', oneOf: [1, 2] }, 'choice'],
    [{ pattern: 'SUP-[0-9]+' }, 'line'],
    [{ maxLength: 50 }, 'line'],
    [{ maxLength: 5_000 }, 'long'],
    [{}, 'long'],
  ])('%j is asked for as a %s', (more, kind) => {
    expect(fieldKind(terms(more))).toBe(kind);
  });

  test('says what it may be', () => {
    expect(hintOf(terms({ type: 'integer', min: 1, max: 9, nullable: true }))).toBe(
      'integer, ≥ 1, ≤ 9; left empty it is NULL',
    );
    expect(hintOf(terms({ pattern: 'SUP-[0-9]+' }))).toBe('text, as /SUP-[0-9]+/');
  });

  test('is chosen of what it may be', () => {
    expect(choicesOf(terms({ type: 'integer', oneOf: [1, 2] }))).toEqual(['1', '2']);
    expect(choicesOf(terms({ type: 'boolean' }))).toEqual(['true', 'false']);
  });

  test('is left out where it is empty and may be NULL, and is an empty text otherwise', () => {
    const inputs = {
      note: terms({}),
      day: terms({ type: 'date', nullable: true }),
      many: terms({ nullable: true }),
    };
    expect(givenInputs({ inputs }, { many: '3', stranger: 'x' })).toEqual({ note: '', many: '3' });
  });

  test('is empty until somebody fills it in, whatever it is called', () => {
    const inputs = { constructor: terms({}) };
    expect(givenInputs({ inputs }, {})).toEqual({ constructor: '' });
  });

  test.each([
    ['SUP-12', 'ticket=SUP-12'],
    ['two words', "'ticket=two words'"],
    ["it's $HOME", `'ticket=it'\\''s $HOME'`],
    ['', 'ticket='],
  ])('stands in the line of the CLI: %s', (text, word) => {
    expect(startLine('cleanup', { ticket: text })).toBe(`custody run start cleanup --input ${word}`);
  });
});
