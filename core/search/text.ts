import { CustodyError } from '../errors.ts';
import { TERM_MAX, TERMS_MAX } from './query.ts';

/** What was written into a search box: words, each of which has to be there, and "words next to each other" in quotes. */
export function phrasesOf(text: string): readonly string[] {
  const phrases = [...text.matchAll(/"([^"]*)"?|[^\s"]+/g)].map(([all, quoted]) => quoted ?? all);
  const said = phrases.filter((phrase) => /[\p{L}\p{M}\p{N}_]/u.test(phrase));
  if (said.length === 0) throw invalid('it has no word to look for');
  if (said.length > TERMS_MAX) throw invalid(`it has more than ${TERMS_MAX} words`);
  if (said.some((phrase) => phrase.length > TERM_MAX)) throw invalid(`a word is longer than ${TERM_MAX}`);
  return said;
}

function invalid(what: string): CustodyError {
  return new CustodyError('format-invalid', `text: ${what}`, {
    hint: 'give words, and "words next to each other" in quotes',
  });
}
