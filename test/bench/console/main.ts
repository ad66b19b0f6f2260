/**
 * npm run bench:console [-- --gb N]: what the console takes in a real Chromium at a real local gateway, to show a list of 10,000 sessions,
 * to open a recording of N GB, and to scroll through a result of a million rows.
 */
import { parseArgs } from 'node:util';
import { ConsoleBrowser } from '#test/support/console-browser.ts';
import { startLocalGateway } from '#test/support/local-gateway.ts';
import { median } from '../report.ts';
import { fillList, largeRecording, rowsOfOneResult } from './fill.ts';
import { firstSeen, scrolledThrough } from './seen.ts';

const { values } = parseArgs({ options: { gb: { type: 'string', default: '1' } } });
const GB = Number(values.gb);
const SESSIONS = 10_000;
const ROWS = 1_000_000;
const TIMES = 5;

const gateway = await startLocalGateway();
const browser = await ConsoleBrowser.start(() => gateway.addresses);
try {
  await fillList(gateway, SESSIONS);
  await measured(`the list of ${SESSIONS} sessions`, '/sessions', '.session-row');
  const { session, rows } = await rowsOfOneResult(gateway, ROWS);
  said({ what: `${rows} rows`, ...(await scrolledThrough(browser, `/sessions/${session}?step=2`, rows)) });
  const large = await largeRecording(gateway, GB * 1e9);
  const { steps, madeMs, indexedMs } = large;
  said({ what: `a recording of ${GB} GB`, steps, madeS: seconds(madeMs), indexedS: seconds(indexedMs) });
  await measured(`the recording of ${GB} GB`, `/sessions/${large.session}`, '.step', '.density svg');
  await measured('its last step', `/sessions/${large.session}?step=${steps}`, '.step-detail');
} finally {
  await browser.stop();
  await gateway.stop();
}

/** From the navigation that the identity provider leads back by, which loads the console, to what is on the screen. */
async function measured(what: string, path: string, ...selectors: string[]): Promise<void> {
  const times: number[] = [];
  for (let time = 0; time < TIMES; time += 1) times.push(await firstSeen(browser, path, selectors));
  said({ what, medianMs: Math.round(median(times)), allMs: times.map((ms) => Math.round(ms)) });
}

function said(figures: object): void {
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}

function seconds(ms: number): number {
  return Math.round(ms / 100) / 10;
}
