/** A word that a POSIX shell takes as it stands. */
export function isPlainWord(word: string): boolean {
  return /^[\w.,:=/@%+-]+$/.test(word);
}

/** One word of a POSIX shell, whatever is in it: lines that people copy hold names that others gave. */
export function shellWord(word: string): string {
  return isPlainWord(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
