/** A session as it is recorded, or was: its steps, or what one of its terminals showed. */
import type { LiveStep, LiveEvent as Sent } from '#lambdas/sessions/live/shape.ts';
import { type Api, queryText } from './client.ts';
import { type EventsOptions, serverEvents } from './events.ts';
import { Problem } from './problem.ts';

export type { LiveStep } from '#lambdas/sessions/live/shape.ts';
export type LiveEvent =
  | Exclude<Sent, { event: 'step' }>
  | { readonly event: 'step'; readonly data: LiveStep };
export type TerminalNews = Extract<LiveEvent, { event: 'terminal' }>['data'];
export type LagNews = Extract<LiveEvent, { event: 'lag' }>['data'];
export type EndNews = Extract<LiveEvent, { event: 'end' }>['data'];

export interface LiveWish {
  readonly view: 'steps' | 'terminal';
  readonly from?: 'start' | 'now';
  /** Of view `terminal`; else the first. */
  readonly channel?: number | undefined;
}

const KNOWN: ReadonlySet<string> = new Set(['step', 'terminal', 'lag', 'end'] satisfies LiveEvent['event'][]);

/** Up to the event `end`, which is the last. */
export async function* liveEvents(
  api: Api,
  session: string,
  wish: LiveWish,
  options: EventsOptions,
): AsyncGenerator<LiveEvent, void, undefined> {
  const path = `/v1/sessions/${encodeURIComponent(session)}/live${queryText({ ...wish })}`;
  for await (const { event, data } of serverEvents(api, path, options)) {
    // A later gateway may say more than this page knows.
    if (!KNOWN.has(event)) continue;
    yield { event, data: parsed(data) } as LiveEvent;
    if (event === 'end') return;
  }
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data) as unknown;
  } catch {
    throw new Problem('event-invalid', 'the gateway sent an event that is not JSON');
  }
}
