/** Server-sent events (WHATWG HTML, section 9.2) over fetch: an EventSource sends no Authorization. */
import type { Api } from './client.ts';
import { asProblem, Problem } from './problem.ts';

export interface ServerEvent {
  readonly event: string;
  readonly data: string;
  /** What to go on behind; undefined where none was said yet. */
  readonly id: string | undefined;
}

export interface EventsOptions {
  /** Ends all of it, quietly. */
  readonly signal: AbortSignal;
  /** Where to go on; else from the start. */
  readonly lastEventId?: string;
  /** Told when the gateway is away, and with undefined when it is back. */
  readonly onAway?: (problem: Problem | undefined) => void;
}

const RETRY_MS = 1_000;
const RETRY_MAX_MS = 15_000;
/** No event of ours is near as long. */
const EVENT_MAX_CHARACTERS = 16 << 20;

/**
 * Events of a path, for as long as somebody takes them: an answer that ends, or breaks off, is asked for again behind the last event
 * that was taken, with a token that is good then. Who knows the last event stops taking. Rejects with the Problem of an answer that
 * is about the caller or what they asked for.
 */
export async function* serverEvents(
  api: Api,
  path: string,
  { signal, lastEventId, onAway }: EventsOptions,
): AsyncGenerator<ServerEvent, void, undefined> {
  const where = { id: lastEventId, retryMs: RETRY_MS };
  for (let tries = 0; !signal.aborted; ) {
    try {
      for await (const event of answered(api, path, where, signal)) {
        if (tries > 0) onAway?.(undefined);
        tries = 0;
        yield event;
      }
    } catch (thrown) {
      if (signal.aborted) return;
      const problem = asProblem(thrown);
      if (!isPassing(problem)) throw problem;
      tries += 1;
      onAway?.(problem);
    }
    await pause(Math.min(where.retryMs * 2 ** Math.max(0, tries - 1), RETRY_MAX_MS), signal);
  }
}

/** Of one answer. `where` is what the next one needs to know. */
async function* answered(
  api: Api,
  path: string,
  where: { id: string | undefined; retryMs: number },
  signal: AbortSignal,
): AsyncGenerator<ServerEvent, void, undefined> {
  const headers = {
    accept: 'text/event-stream',
    ...(where.id === undefined ? {} : { 'last-event-id': where.id }),
  };
  // What ends the taking ends the answer as well.
  const ending = new AbortController();
  const response = await api.fetch(path, { headers, signal: AbortSignal.any([signal, ending.signal]) });
  try {
    const parser = new EventParser((ms) => (where.retryMs = ms));
    for await (const text of textOf(response))
      for (const event of parser.take(text)) {
        where.id = event.id ?? where.id;
        yield event;
      }
  } finally {
    ending.abort();
  }
}

/** Text that comes in pieces, cut anywhere. */
export class EventParser {
  readonly #onRetry: (ms: number) => void;
  #rest = '';
  #isFirst = true;
  #id: string | undefined;
  #event = '';
  #data: string[] = [];
  #length = 0;

  constructor(onRetry: (ms: number) => void = () => undefined) {
    this.#onRetry = onRetry;
  }

  /** The events that are whole by now. Throws a Problem for one that is too long. */
  *take(text: string): Generator<ServerEvent, void, undefined> {
    const all = this.#rest + (this.#isFirst ? text.replace(/^\uFEFF/, '') : text);
    if (text !== '') this.#isFirst = false;
    const lines = all.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop()!;
    if (this.#rest.length + this.#length > EVENT_MAX_CHARACTERS) throw tooLong();
    for (const line of lines) {
      if (line !== '') this.#field(line);
      else yield* this.#dispatch();
    }
  }

  #field(line: string): void {
    const colon = line.indexOf(':');
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    switch (name) {
      case 'event':
        this.#event = value;
        return;
      case 'data':
        this.#data.push(value);
        this.#length += value.length;
        return;
      case 'id':
        if (!value.includes('\0')) this.#id = value;
        return;
      case 'retry':
        if (/^\d{1,9}$/.test(value)) this.#onRetry(Number(value));
    }
  }

  *#dispatch(): Generator<ServerEvent, void, undefined> {
    const [event, data] = [this.#event, this.#data];
    [this.#event, this.#data, this.#length] = ['', [], 0];
    if (data.length > 0) yield { event: event || 'message', data: data.join('\n'), id: this.#id };
  }
}

async function* textOf({ body }: Response): AsyncGenerator<string, void, undefined> {
  const reader = body!.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

/** What says nothing about the caller or what they asked for: a gateway that is away, or has too much to do. */
function isPassing({ status, code }: Problem): boolean {
  return status === 429 || status >= 500 || (status === 0 && code !== 'event-too-long');
}

function tooLong(): Problem {
  return new Problem('event-too-long', 'the gateway sent an event that is too long');
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', over);
      resolve();
    };
    const timer = setTimeout(over, ms);
    signal.addEventListener('abort', over);
    if (signal.aborted) over();
  });
}
