/** One word of a POSIX shell, whatever is in it: lines that people copy hold names that others gave. */
export function shellWord(text: string): string {
  return /^[\w.,:=/@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
