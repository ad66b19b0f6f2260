/** First parts of the addresses that are pages of the console; whoever serves it answers all of them with the one page. */
export const PAGE_ROOTS = [
  'callback',
  'requests',
  'ask',
  'grants',
  'sessions',
  'search',
  'runs',
  'ledger',
  'gateway',
] as const;

const PAGE = new RegExp(String.raw`^/(?:(?:${PAGE_ROOTS.join('|')})(?:/[\w-]+)*/?)?$`);

/** `/sessions/019aaf3e-…`, `/`: whatever the page itself makes of the rest. */
export function isPage(path: string): boolean {
  return PAGE.test(path);
}
