/** What a person who may not have the evidence gets: the steps as the server shows them. */
import { z } from 'zod';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import type { JsonStep } from '#core/replay/reader.ts';
import { escapeJson } from '#core/replay/text.ts';
import { type Api, apiAddress, getJson, getText } from '../api.ts';
import { type Cli, jsonText, say } from '../cli.ts';
import { NOT_CHECKED } from '../evidence/report.ts';
import { currentToken } from '../tokens.ts';
import type { Output } from './output.ts';

const pageSchema = z.object({
  protocol: z.string().max(63),
  verdict: z.enum(['verified', 'incomplete', 'failed', 'unanchored']),
  steps: z.array(z.record(z.string(), z.unknown())).max(1_000),
  next: z.int().min(0).optional(),
});

export type RedactedPage = z.infer<typeof pageSchema>;

/** Steps of a session, page by page, with marks where something is left out. */
export async function* redactedPages(
  cli: Cli,
  session: string,
): AsyncGenerator<RedactedPage, void, undefined> {
  const api: Api = { base: apiAddress(cli), token: await currentToken(cli) };
  let cursor: number | undefined = 0;
  while (cursor !== undefined) {
    const page: RedactedPage = await getJson(
      api,
      `/v1/sessions/${encodeURIComponent(session)}/steps?cursor=${cursor}`,
      pageSchema,
    );
    yield page;
    if (page.next !== undefined && page.next <= cursor)
      throw new CustodyError('format-invalid', 'the pages of steps do not go on');
    cursor = page.next;
  }
}

export function sayRedacted(cli: Cli): void {
  cli.exitWith(NOT_CHECKED);
  say(cli, 'note: the target leaves out what you may not see, and with it the evidence itself');
  say(cli, "note: these steps are the server's word: nothing of them is verified here");
}

/** Steps as JSON, or as events, in place of an export that needs the evidence; of other forms the server's refusal is the answer. */
export async function unlessRedacted(
  cli: Cli,
  session: string,
  form: string,
  output: Output,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    if (asCustodyError(thrown).code !== 'evidence-redacted') throw thrown;
    if (form !== 'ndjson' && form !== 'ocsf') throw thrown;
    sayRedacted(cli);
    await (form === 'ndjson' ? writePages : writeEventPages)(cli, session, output);
  }
}

async function writePages(cli: Cli, session: string, output: Output): Promise<void> {
  await output.text(`${jsonText({ kind: 'evidence', session, verified: false })}\n`);
  let verdict: string | undefined;
  for await (const page of redactedPages(cli, session)) {
    verdict = page.verdict;
    for (const step of page.steps as JsonStep[]) await output.text(`${jsonText(step)}\n`);
  }
  await output.text(`${jsonText({ kind: 'verdict', verified: false, server: verdict })}\n`);
}

/** Each page goes on with the chain where the one before it ended. */
async function writeEventPages(cli: Cli, session: string, output: Output): Promise<void> {
  const api: Api = { base: apiAddress(cli), token: await currentToken(cli) };
  const path = `/v1/sessions/${encodeURIComponent(session)}/export?form=ocsf`;
  for (let [at, after] = [0, '']; ; ) {
    const { text, headers } = await getText(api, `${path}&cursor=${at}${after}`);
    await output.text(text.split('\n').map(escapeJson).join('\n'));
    const next = Number(headers.get('custody-next') ?? 0);
    if (next === 0) return;
    if (!(next > at)) throw new CustodyError('format-invalid', 'the pages of events do not go on');
    [at, after] = [next, `&after=${encodeURIComponent(headers.get('custody-after') ?? '')}`];
  }
}
