/** A recording of more segments than a tab holds at once; `npm run soak:console` has the large form. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasChromium } from '#test/support/chromium.ts';
import { hasClient } from '#test/support/clients.ts';
import { ConsoleBrowser } from '#test/support/console-browser.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { largeRecording, verifiedIn } from './large-proof.ts';

const ROWS = 400_000;
const MB = 1e6;
/** As in test/bench/console/large-proof.ts; raw, the recording has half as much again. */
const HELD_MAX = 32 << 20;

describe.runIf(hasChromium() && hasClient('psql'))('the proof of a large recording', () => {
  let gateway: LocalGateway;
  let browser: ConsoleBrowser;
  beforeAll(async () => {
    gateway = await startLocalGateway();
    browser = await ConsoleBrowser.start(() => gateway.addresses);
  });
  afterAll(async () => {
    await browser?.stop();
    await gateway?.stop();
  });

  test('is verified whole, and a few segments are held at once', async () => {
    const large = await largeRecording(gateway, ROWS);
    expect(large.bytes).toBeGreaterThan(20 * MB);
    const { findings, words, heldBytes } = await verifiedIn(browser, large);
    expect(findings).toEqual(['signer-unanchored signer.pem', 'ledger-unanchored ledger.json']);
    expect(heldBytes).toBeGreaterThan(0);
    expect(heldBytes).toBeLessThan(HELD_MAX);
    process.stderr.write(`${large.bytes} bytes: ${words} ${heldBytes} bytes held\n`);
  });
});
