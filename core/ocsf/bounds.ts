/** What one event holds at most: a row of a table, and a line that a SIEM takes. */

/** Characters of a command, as much as a page of steps has. */
const TEXT_MAX = 32 << 10;
/** Of all texts of one list, and how many. */
const LIST_MAX = 32 << 10;
const COUNT_MAX = 1_000;

export interface Bounded<T> {
  readonly kept: T;
  /** Something was left out. */
  readonly isCut: boolean;
}

export function boundedText(text: string): Bounded<string> {
  if (text.length <= TEXT_MAX) return { kept: text, isCut: false };
  return { kept: text.slice(0, TEXT_MAX).toWellFormed(), isCut: true };
}

/** The first of a list, each whole. */
export function boundedList<T>(all: readonly T[], sizeOf: (one: T) => number): Bounded<readonly T[]> {
  let size = 0;
  const end = all.findIndex((one, at) => {
    size += sizeOf(one);
    return at >= COUNT_MAX || size > LIST_MAX;
  });
  return end === -1 ? { kept: all, isCut: false } : { kept: all.slice(0, end), isCut: true };
}
