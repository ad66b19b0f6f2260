/** The console in a real Chromium, as people use it: each has a browser of their own, signed in at the real identity provider. */
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core';
import { type DemoRole, demoPeople } from '#adapters/local/demo-issuer.ts';
import type { LocalAddresses } from '#local/setup/addresses.ts';
import { accessibilityFaults } from './chromium.ts';

export { accessibilityFaults };

/** The screens that pages are looked at on. */
export const SCREENS = {
  wide: { width: 1440, height: 900 },
  phone: { width: 360, height: 740 },
  narrow: { width: 320, height: 640 },
} as const;

/** How each page has to be for everybody. */
export const LOOKS: readonly Look[] = [
  { screen: 'wide', scheme: 'light' },
  { screen: 'wide', scheme: 'dark' },
  { screen: 'narrow', scheme: 'dark' },
  { screen: 'narrow', scheme: 'light' },
];

export interface Look {
  readonly screen: keyof typeof SCREENS;
  readonly scheme: 'light' | 'dark';
}

export interface Visitor {
  readonly page: Page;
  /** What pages threw, complained of in the console, or their policy forbade. */
  readonly complaints: string[];
  /** Origins that were asked for anything. */
  readonly origins: Set<string>;
  /** Opens a path of the console, signing in on the way where the tab is not yet. */
  readonly open: (path: string) => Promise<void>;
  /** Goes there within the page, as a link of it does: without the sign-in that a new load needs. */
  readonly go: (path: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** All that are not closed. */
export const visitors: Set<Visitor> = new Set();

export interface VisitorOptions extends BrowserContextOptions {
  readonly screen?: { readonly width: number; readonly height: number };
  readonly scheme?: 'light' | 'dark';
}

export class ConsoleBrowser {
  readonly #browser: Browser;
  readonly #addresses: () => LocalAddresses;

  private constructor(browser: Browser, addresses: () => LocalAddresses) {
    this.#browser = browser;
    this.#addresses = addresses;
  }

  static async start(addresses: () => LocalAddresses): Promise<ConsoleBrowser> {
    const browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
    });
    return new ConsoleBrowser(browser, addresses);
  }

  /** Somebody with a browser without a past. */
  async visitor(
    role: DemoRole,
    { screen = SCREENS.wide, scheme = 'light', ...more }: VisitorOptions = {},
  ): Promise<Visitor> {
    const context = await this.#browser.newContext({
      viewport: screen,
      colorScheme: scheme,
      reducedMotion: 'reduce',
      timezoneId: 'Europe/Berlin',
      locale: 'en-GB',
      ...more,
    });
    return this.#visitorIn(context, role);
  }

  async stop(): Promise<void> {
    await this.#browser.close();
  }

  async #visitorIn(context: BrowserContext, role: DemoRole): Promise<Visitor> {
    const page = await context.newPage();
    const complaints: string[] = [];
    const origins = new Set<string>();
    page.on('request', (request) => {
      if (!request.url().startsWith('data:')) origins.add(new URL(request.url()).origin);
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      const isOurs = message.location().url.startsWith(this.#addresses().api);
      if (isOurs && /^(?:error|warning)$/.test(message.type()))
        complaints.push(`${message.text()} (${message.location().url})`);
    });
    page.on('dialog', (dialog) => {
      complaints.push(`a dialog: ${dialog.message()}`);
      return dialog.dismiss();
    });
    const open = async (path: string): Promise<void> => {
      await page.goto(this.#addresses().api + path);
      await page.locator('.sign-in button, .shell').first().waitFor();
      if (await page.locator('.sign-in').isVisible()) await signIn(page, role);
    };
    const go = (path: string): Promise<void> =>
      page.evaluate(
        `history.pushState(null, '', ${JSON.stringify(path)}); dispatchEvent(new PopStateEvent('popstate'))`,
      );
    const close = (): Promise<void> => {
      visitors.delete(visitor);
      return context.close();
    };
    const visitor: Visitor = { page, complaints, origins, open, go, close };
    visitors.add(visitor);
    return visitor;
  }
}

/** By the demo identity provider's own page. */
export async function signIn(page: Page, role: DemoRole): Promise<void> {
  await page.locator('.sign-in button').first().click();
  await page.locator(`button[value="${demoPeople[role].subject}"]`).click();
  await page.locator('.shell').waitFor();
}

/** What is wrong with a page as it stands, loaded once and looked at in each of LOOKS: what axe finds, and whether it scrolls sideways. */
export async function faultsOfLooks(page: Page, looks = LOOKS): Promise<readonly string[]> {
  const faults: string[] = [];
  for (const { screen, scheme } of looks) {
    await page.setViewportSize(SCREENS[screen]);
    await page.emulateMedia({ colorScheme: scheme });
    const found = await accessibilityFaults(page);
    const over = await sideways(page);
    if (over > 0) found.push(`${over} px too wide`);
    faults.push(...found.map((fault) => `${screen}, ${scheme}: ${fault}`));
  }
  await page.setViewportSize(SCREENS.wide);
  await page.emulateMedia({ colorScheme: 'light' });
  return faults;
}

/** How far the page could be scrolled to the side. */
export function sideways(page: Page): Promise<number> {
  return page.evaluate<number>('Math.max(0, document.documentElement.scrollWidth - innerWidth)');
}
