import { fits } from '#core/access/patterns.ts';

/** Word by word; a last pattern `**` stands for any more of them, none included. */
export function fitsCommand(pattern: readonly string[], words: readonly string[]): boolean {
  const isOpen = pattern.at(-1) === '**';
  const named = isOpen ? pattern.slice(0, -1) : pattern;
  if (isOpen ? words.length < named.length : words.length !== named.length) return false;
  return named.every((one, at) => fits(one, words[at]!));
}
