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

/** The page, for every address of the console. */
export const INDEX = '/index.html';
/** Where everything else of it is. */
export const ASSETS = '/assets/';
/** Where the page asks for evidence whose links lead elsewhere: behind it the path and the query of the link. */
export const EVIDENCE = '/evidence';

/** Also what CloudFront goes by. */
export const PAGE = new RegExp(String.raw`^/(?:(?:${PAGE_ROOTS.join('|')})(?:/[\w-]+)*/?)?$`);

/** `/sessions/019aaf3e-…`, `/`: whatever the page itself makes of the rest. */
export function isPage(path: string): boolean {
  return PAGE.test(path);
}

/** What is asked for with a path; undefined where it is not the console's. */
export function fileOf(path: string): string | undefined {
  if (isPage(path)) return INDEX;
  return path.startsWith(ASSETS) ? path : undefined;
}
