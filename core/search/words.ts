/** Words as search compares them, the same for all who search: no other reading may find more, or less. */

/** Letters, marks, digits and `_`; whatever else stands between is no part of a word. */
const WORD = /[\p{L}\p{M}\p{N}_]+/gu;

/** The words of a text in order, without letter case and compatibility forms (Unicode NFKC). */
export function wordsOf(text: string): readonly string[] {
  return folded(text).match(WORD) ?? [];
}

function folded(text: string): string {
  // For most of what is searched there is nothing to map.
  return ASCII.test(text) ? text.toLowerCase() : text.normalize('NFKC').toLowerCase().normalize('NFKC');
}

// oxlint-disable-next-line no-control-regex
const ASCII = /^[\0-\x7f]*$/;

/** Whether these words stand one behind the other in a text. */
export function phraseIn(phrase: readonly string[]): (text: string) => boolean {
  const [first] = phrase;
  return (text) => {
    const all = folded(text);
    // Most texts do not hold it, and need not be cut into words.
    if (first !== undefined && !all.includes(first)) return false;
    return holdsPhrase(all.match(WORD) ?? [], phrase);
  };
}

/** Whether the words of `phrase` stand one behind the other among `words`. */
export function holdsPhrase(words: readonly string[], phrase: readonly string[]): boolean {
  const [first] = phrase;
  if (first === undefined) return true;
  for (let at = words.indexOf(first); at >= 0; at = words.indexOf(first, at + 1))
    if (phrase.every((word, more) => words[at + more] === word)) return true;
  return false;
}
