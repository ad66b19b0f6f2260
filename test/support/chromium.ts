import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { hasClient } from './clients.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export function hasChromium(): boolean {
  return hasClient('chromium');
}

/** A real browser that has no network and no past. */
export class OfflineChromium {
  readonly #context: BrowserContext;
  readonly #profile: string;
  /** Whatever a page asked for besides itself. */
  readonly requests: string[] = [];
  /** What pages threw, and what their policy forbade. */
  readonly complaints: string[] = [];

  private constructor(context: BrowserContext, profile: string) {
    this.#context = context;
    this.#profile = profile;
  }

  static async start(): Promise<OfflineChromium> {
    const profile = mkdtempSync(join(tmpdir(), 'custody-chromium-'));
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
      offline: true,
      viewport: { width: 1280, height: 900 },
    });
    return new OfflineChromium(context, profile);
  }

  async open(file: string): Promise<Page> {
    const page = await this.#context.newPage();
    const own = `file://${file}`;
    page.on('request', (request) => {
      if (request.url() !== own) this.requests.push(request.url());
    });
    page.on('websocket', (socket) => this.requests.push(socket.url()));
    page.on('pageerror', (error) => this.complaints.push(error.message));
    page.on('console', (message) => this.complaints.push(message.text()));
    page.on('dialog', (dialog) => {
      this.complaints.push(`a dialog: ${dialog.message()}`);
      return dialog.dismiss();
    });
    await page.goto(own);
    return page;
  }

  async stop(): Promise<void> {
    await this.#context.close();
    rmSync(this.#profile, { recursive: true, force: true });
  }
}

interface Axe {
  run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }>;
}

/** What axe finds against a page, in words. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  // It stays for as long as the page is loaded.
  if (!(await page.evaluate<boolean>("'axe' in globalThis"))) await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { readonly axe: Axe };
    const { violations } = await axe.run();
    return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
  });
}
