const BEFORE = 60;
const MOST = 200;

/** A piece of a text around a word of it, with `…` for what is left out. */
export function excerptOf(text: string, word?: string): string {
  const found = word === undefined || word === '' ? 0 : Math.max(0, text.toLowerCase().indexOf(word));
  const from = wholeFrom(text, found > MOST - BEFORE ? found - BEFORE : 0);
  const to = wholeFrom(text, Math.min(text.length, from + MOST));
  return `${from > 0 ? '…' : ''}${text.slice(from, to)}${to < text.length ? '…' : ''}`;
}

/** No pair of surrogates is cut in two. */
function wholeFrom(text: string, at: number): number {
  const isSecond = /[\udc00-\udfff]/.test(text[at] ?? '') && /[\ud800-\udbff]/.test(text[at - 1] ?? '');
  return isSecond ? at - 1 : at;
}
