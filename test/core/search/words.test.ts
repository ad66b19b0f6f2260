import { expect, test } from 'vitest';
import { phrasesOf } from '#core/search/text.ts';
import { holdsPhrase, wordsOf } from '#core/search/words.ts';

test('words are letters, marks, digits and _, whatever their case and form', () => {
  expect(wordsOf('SELECT a_b, "Größe" FROM ﬁles2;')).toEqual(['select', 'a_b', 'größe', 'from', 'files2']);
  expect(wordsOf("'!\0\n*")).toEqual([]);
  expect(wordsOf('e\u0301')).toEqual(wordsOf('é'));
});

test('a phrase is words next to each other', () => {
  const words = ['a', 'b', 'a', 'b', 'c'];
  expect(holdsPhrase(words, ['a', 'b', 'c'])).toBe(true);
  expect(holdsPhrase(words, ['b', 'b'])).toBe(false);
  expect(holdsPhrase(words, [])).toBe(true);
});

test('a search box has words, and phrases in quotes', () => {
  expect(phrasesOf('refund  "duplicate key" x.y "open')).toEqual(['refund', 'duplicate key', 'x.y', 'open']);
  expect(() => phrasesOf(' "*" ')).toThrow('no word');
});
