/** When something is on the screen, by the page's own clock. */
import type { Page } from 'playwright-core';
import type { ConsoleBrowser } from '#test/support/console-browser.ts';

const SEEN_MS = 120_000;
const DRAG_MS = 5_000;

/** Milliseconds from the navigation that loaded the page to the frame after all of them are in it. */
export async function firstSeen(
  browser: ConsoleBrowser,
  path: string,
  selectors: readonly string[],
): Promise<number> {
  const visitor = await browser.visitor('auditor');
  await visitor.page.context().addInitScript(watcher(selectors));
  await visitor.open(path);
  for (const selector of selectors)
    await visitor.page.locator(selector).first().waitFor({ timeout: SEEN_MS });
  const at = await visitor.page.evaluate<number>('globalThis.seen.promise');
  await visitor.close();
  return at;
}

function watcher(selectors: readonly string[]): string {
  return `globalThis.seen = Promise.withResolvers();
    const look = () => ${JSON.stringify(selectors)}.every((one) => document.querySelector(one) !== null)
      ? requestAnimationFrame(() => globalThis.seen.resolve(performance.now()))
      : requestAnimationFrame(look);
    requestAnimationFrame(look);`;
}

/** To the last row at once; then over all of them as fast as somebody drags, and how long until what is in sight is there. */
export async function scrolledThrough(browser: ConsoleBrowser, path: string, rows: number) {
  const visitor = await browser.visitor('auditor');
  await visitor.open(path);
  const { page } = visitor;
  const grid = page.locator('.grid');
  await grid.getByText('customer 1', { exact: true }).waitFor({ timeout: SEEN_MS });
  const started = performance.now();
  await grid.evaluate((box) => (box.scrollTop = box.scrollHeight));
  await grid.getByText(`customer ${rows}`, { exact: true }).waitFor({ timeout: SEEN_MS });
  const lastRowMs = Math.round(performance.now() - started);
  const dragged = await drag(page);
  const stopped = performance.now();
  await grid.locator('.coming').first().waitFor({ state: 'detached' });
  const settledMs = Math.round(performance.now() - stopped);
  const drawn = await grid.locator('tbody tr').count();
  await visitor.close();
  return { lastRowMs, ...dragged, settledMs, drawn };
}

interface Dragged {
  readonly framesPerSecond: number;
  readonly longestFrameMs: number;
}

/** From the end to two thirds, a little each frame. */
function drag(page: Page): Promise<Dragged> {
  return page.evaluate<Dragged>(`new Promise((done) => {
    const box = document.querySelector('.grid');
    const [top, frames] = [box.scrollTop, []];
    const began = performance.now();
    const step = (now) => {
      frames.push(now);
      const share = (performance.now() - began) / ${DRAG_MS};
      box.scrollTop = top * (1 - share / 3);
      if (share < 1) return requestAnimationFrame(step);
      const longest = Math.max(...frames.slice(1).map((at, n) => at - frames[n]));
      const perSecond = (frames.length - 1) / ((frames.at(-1) - frames[0]) / 1000);
      done({ framesPerSecond: Math.round(perSecond * 10) / 10, longestFrameMs: Math.round(longest) });
    };
    requestAnimationFrame(step);
  })`);
}
