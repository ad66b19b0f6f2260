import { z } from 'zod';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { parseJson } from '#core/json.ts';
import { openStream } from '../api.ts';
import { type Cli, say } from '../cli.ts';
import { connectApi } from '../connect-api.ts';
import { searchOf } from '../paging.ts';
import { currentToken } from '../tokens.ts';
import { pauseMs } from '../wait.ts';
import { serverEvents } from './sse.ts';

const count = z.int().min(0);
const stepData = z.object({ n: count, step: z.record(z.string(), z.unknown()), text: z.string().optional() });
const terminalData = z.object({
  n: count,
  kind: z.enum(['start', 'output', 'input', 'resize', 'exit']),
  at: count,
  bytes: z.base64().optional(),
  columns: count.optional(),
  rows: count.optional(),
  isTerminal: z.boolean().optional(),
  status: z.int().optional(),
});
const lagData = z.object({
  state: z.enum(['open', 'closed', 'recovered']),
  n: count,
  shownUntil: z.string().optional(),
  behindMs: count.optional(),
});
const endData = z.object({
  of: z.enum(['session', 'watch']),
  reason: z.string().max(100),
  verdict: z.enum(['verified', 'incomplete', 'failed']).optional(),
  message: z.string().max(2_000).optional(),
  endedAt: z.string().max(100).optional(),
});

export type LiveNews =
  | { readonly event: 'step'; readonly data: z.infer<typeof stepData> }
  | { readonly event: 'terminal'; readonly data: z.infer<typeof terminalData> }
  | { readonly event: 'lag'; readonly data: z.infer<typeof lagData> }
  | { readonly event: 'end'; readonly data: z.infer<typeof endData> };

export interface LiveWish {
  readonly from: 'start' | 'now';
  readonly view: 'steps' | 'terminal';
  readonly channel?: number | undefined;
  readonly text?: number | undefined;
}

/** Tries after which a gateway that is away is told to be away. */
const TRIES_MAX = 60;
const RETRY_MS = 250;
const RETRY_MAX_MS = 5_000;

/**
 * What happens in a session, until it has ended or the caller may look on no longer. An answer that ends is asked for again where it
 * ended, with a token that is good then; so is one that breaks off, and it is said once that the gateway is away.
 */
export async function* liveNews(
  cli: Cli,
  id: string,
  wish: LiveWish,
  signal: AbortSignal,
): AsyncGenerator<LiveNews, void, undefined> {
  const path = `/v1/sessions/${encodeURIComponent(id)}/live?${searchOf({ ...wish })}`;
  let last: string | undefined;
  let api = await connectApi(cli);
  for (let tries = 0; !signal.aborted; ) {
    try {
      api = tries === 0 ? { ...api, token: await currentToken(cli) } : await connectApi(cli);
      const headers = last === undefined ? {} : { 'last-event-id': last };
      for await (const { event, data, id: at } of serverEvents(
        await openStream(api, path, headers, signal),
      )) {
        const news = newsOf(event, data);
        if (news === undefined) continue;
        last = at ?? last;
        tries = 0;
        yield news;
        if (news.event === 'end') return;
      }
    } catch (thrown) {
      if (signal.aborted) return;
      const error = asCustodyError(thrown);
      tries += 1;
      if (!isPassing(error) || tries > TRIES_MAX) throw error;
      if (tries === 1) say(cli, `the watch broke off, and is taken up again: ${error.message}`);
    }
    await pauseMs(Math.min(RETRY_MS * 2 ** Math.min(tries, 8), RETRY_MAX_MS), signal);
  }
}

/** What is no answer about the session or the caller. */
function isPassing({ code }: CustodyError): boolean {
  return code === 'internal' || code === 'too-many-failures';
}

/** Undefined for what a later API may say besides. */
function newsOf(event: string, data: string): LiveNews | undefined {
  switch (event) {
    case 'step':
      return { event, data: parsed(stepData, data) };
    case 'terminal':
      return { event, data: parsed(terminalData, data) };
    case 'lag':
      return { event, data: parsed(lagData, data) };
    case 'end':
      return { event, data: parsed(endData, data) };
    default:
      return undefined;
  }
}

function parsed<T>(shape: z.ZodType<T>, data: string): T {
  const result = shape.safeParse(parseJson(data));
  if (result.success) return result.data;
  throw new CustodyError('format-invalid', 'the API sent an event in a shape this custody does not know');
}
