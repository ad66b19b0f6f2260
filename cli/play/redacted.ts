import { asCustodyError } from '#core/errors.ts';
import { READERS } from '#core/replay/readers.ts';
import { type Cli, print, printJson } from '../cli.ts';
import { type RedactedPage, redactedPages, sayRedacted } from '../export/redacted.ts';

const PLAIN_WIDTH = 160;

/** Where the evidence is not given, the steps as the server shows them. */
export async function playOrRedacted(
  cli: Cli,
  session: string,
  { json, raw }: { readonly json?: true; readonly raw?: true },
  play: () => Promise<void>,
): Promise<void> {
  try {
    await play();
  } catch (thrown) {
    if (asCustodyError(thrown).code !== 'evidence-redacted' || raw) throw thrown;
    sayRedacted(cli);
    for await (const page of redactedPages(cli, session)) await showPage(cli, page, json === true);
  }
}

async function showPage(cli: Cli, { protocol, steps }: RedactedPage, asJson: boolean): Promise<void> {
  const reader = READERS.get(protocol);
  for (const step of steps) {
    if (asJson || reader === undefined || !reader.shape.safeParse(step).success) await printJson(cli, step);
    else await print(cli, reader.ofJson(step).toText(cli.stdout.columns ?? PLAIN_WIDTH));
  }
}
