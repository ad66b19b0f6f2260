/**
 * npm run soak:console [-- --rows N]: verifies a recording of more than 100 MB in a real Chromium, and fails where the tab's scripts
 * hold more than a few of its segments at once.
 */
import { parseArgs } from 'node:util';
import { largeRecording, verifiedIn } from '#test/console/browser/large-proof.ts';
import { ConsoleBrowser } from '#test/support/console-browser.ts';
import { startLocalGateway } from '#test/support/local-gateway.ts';

const { values } = parseArgs({ options: { rows: { type: 'string', default: '2000000' } } });
/** Segments have 8 MiB: the one that is verified, the next, and as much again that is on its way. */
const HELD_MAX_MIB = 32;
const MIB = 1 << 20;

const gateway = await startLocalGateway();
const browser = await ConsoleBrowser.start(() => gateway.addresses);
try {
  const large = await largeRecording(gateway, Number(values.rows));
  const { words, heldBytes, findings } = await verifiedIn(browser, large);
  const heldMiB = Math.round(heldBytes / MIB);
  process.stdout.write(
    `${JSON.stringify({ mb: Math.round(large.bytes / 1e6), words, heldMiB, findings })}\n`,
  );
  if (heldMiB > HELD_MAX_MIB || findings.some((finding) => !finding.includes('-unanchored ')))
    process.exitCode = 1;
} finally {
  await browser.stop();
  await gateway.stop();
}
