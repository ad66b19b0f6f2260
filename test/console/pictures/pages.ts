/** Which pages there are pictures of, whose they are, and when they are as they are to be seen. */
import type { Page } from 'playwright-core';
import type { DemoRole } from '#adapters/local/demo-issuer.ts';
import type { Story } from './story.ts';

export interface Shown {
  readonly name: string;
  readonly role: DemoRole;
  readonly path: (story: Story) => string;
  /** Shows it as it is to be seen. */
  readonly ready: (page: Page) => Promise<unknown>;
}

const EXPLAINED = 'action=connect&target=orders-prod&as=dana%40example.com&groups=developers';

const seen = (what: string) => (page: Page) => page.locator(what).first().waitFor();
const said = (what: string) => (page: Page) => page.getByText(what).first().waitFor();

export const PAGES: readonly Shown[] = [
  { name: 'requests', role: 'reviewer', path: () => '/requests', ready: seen('.request-row') },
  {
    name: 'request',
    role: 'reviewer',
    path: ({ request }) => `/requests/${request}`,
    ready: seen('.statements li'),
  },
  { name: 'ask', role: 'developer', path: () => '/ask?target=orders-prod', ready: seen('.terms') },
  { name: 'grants', role: 'developer', path: () => '/grants', ready: said('late orders of last week') },
  { name: 'sessions', role: 'auditor', path: () => '/sessions', ready: seen('.session-row') },
  {
    name: 'session',
    role: 'auditor',
    path: ({ session }) => `/sessions/${session}?step=2`,
    ready: seen('.grid tbody tr'),
  },
  {
    name: 'search',
    role: 'auditor',
    path: () => '/search?text=customers',
    ready: seen('.hit mark'),
  },
  {
    name: 'terminal',
    role: 'auditor',
    path: ({ terminal }) => `/sessions/${terminal}/terminal`,
    ready: (page) => atItsEnd(page),
  },
  {
    name: 'proof',
    role: 'auditor',
    path: ({ session }) => `/sessions/${session}/proof`,
    ready: (page) => pinned(page),
  },
  { name: 'ledger', role: 'auditor', path: () => '/ledger', ready: seen('main table tbody tr') },
  { name: 'runs', role: 'developer', path: () => '/runs', ready: seen('main [data-item]') },
  {
    name: 'run',
    role: 'developer',
    path: ({ run }) => `/runs/${run}?task=refund`,
    ready: seen('.task-panel .run-flows'),
  },
  { name: 'gateway', role: 'admin', path: () => '/gateway', ready: seen('.task-states') },
  {
    name: 'explain',
    role: 'admin',
    path: () => `/gateway/explain?${EXPLAINED}`,
    ready: seen('.explained-rules li'),
  },
];

async function atItsEnd(page: Page): Promise<void> {
  await page.locator('.player').waitFor();
  const slider = page.locator('.seek input');
  const end = Number(await slider.getAttribute('max'));
  await slider.fill(String(Math.floor(end * 0.97)));
  await page.locator('.terminal', { hasText: 'Filesystem' }).waitFor();
}

async function pinned(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'I compared both: pin them' }).click();
  await page.locator('.verdict:not(:has(progress)) h2', { hasText: 'Verified' }).waitFor();
}
