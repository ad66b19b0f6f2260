/** The console's pages: each is loaded when it is opened first. */
import type { FunctionComponent } from 'preact';
import { lazy } from 'preact-iso';
import { NotLoaded } from './not-loaded.tsx';

export interface Page {
  /** As preact-iso matches it: `/sessions/:id`. */
  readonly path: string;
  /** Of the browser's tab. */
  readonly title: string;
  readonly component: FunctionComponent;
  /** In the navigation: its word, and the key that goes there after `g`. */
  readonly nav?: { readonly word: string; readonly key: string; readonly icon: string };
}

function page(load: () => Promise<{ readonly default: FunctionComponent }>): FunctionComponent {
  return lazy(() => load().catch(() => ({ default: NotLoaded })));
}

export const PAGES: readonly Page[] = [
  {
    path: '/requests',
    title: 'Requests',
    component: page(() => import('../requests/requests-page.tsx')),
    nav: { word: 'Requests', key: 'r', icon: 'M4 5h16v11H8l-4 4z' },
  },
  { path: '/requests/:id', title: 'Request', component: page(() => import('../requests/request-page.tsx')) },
  {
    path: '/ask',
    title: 'Ask for access',
    component: page(() => import('../requests/ask-page.tsx')),
    nav: { word: 'Ask', key: 'a', icon: 'M12 5v14M5 12h14' },
  },
  { path: '/grants', title: 'Grants', component: page(() => import('../requests/grants-page.tsx')) },
  {
    path: '/sessions',
    title: 'Sessions',
    component: page(() => import('../sessions/sessions-page.tsx')),
    nav: { word: 'Sessions', key: 's', icon: 'M3 5h18v14H3zM7 10l3 2-3 2M12 15h5' },
  },
  { path: '/sessions/:id', title: 'Session', component: page(() => import('../sessions/session-page.tsx')) },
  {
    path: '/sessions/:id/terminal',
    title: 'Terminal of a session',
    component: page(() => import('../terminal/terminal-page.tsx')),
  },
  {
    path: '/sessions/:id/proof',
    title: 'Proof of a session',
    component: page(() => import('../proof/proof-page.tsx')),
  },
  { path: '/search', title: 'Search', component: page(() => import('../sessions/search-page.tsx')) },
  {
    path: '/runs',
    title: 'Runs',
    component: page(() => import('../runs/runs-page.tsx')),
    nav: { word: 'Runs', key: 'u', icon: 'M4 6h5v4H4zM15 6h5v4h-5zM15 14h5v4h-5zM9 8h6M9 8c4 0 2 8 6 8' },
  },
  { path: '/runs/:id', title: 'Run', component: page(() => import('../runs/run-page.tsx')) },
  {
    path: '/ledger',
    title: 'Ledger',
    component: page(() => import('../proof/ledger-page.tsx')),
    nav: {
      word: 'Ledger',
      key: 'l',
      icon: 'M12 3l8 3v6c0 5-3.5 7.5-8 9-4.5-1.5-8-4-8-9V6zM8.5 12l2.5 2.5 4.5-5',
    },
  },
  {
    path: '/gateway',
    title: 'Gateway',
    component: page(() => import('../gateway/gateway-page.tsx')),
    nav: { word: 'Gateway', key: 'g', icon: 'M4 19V9M10 19V5M16 19v-7M21 19H3' },
  },
  {
    path: '/gateway/explain',
    title: 'Explain',
    component: page(() => import('../gateway/explain-page.tsx')),
  },
];
