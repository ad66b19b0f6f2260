/** A tape that is filled by the API: at once what is recorded already, then what happens, for as long as the session runs. */
import { signal } from '@preact/signals';
import type { TerminalEvent } from '#core/replay/terminal.ts';
import type { Api } from '../api/client.ts';
import { type EndNews, type LagNews, liveEvents, type TerminalNews } from '../api/live.ts';
import { asProblem, type Problem } from '../api/problem.ts';
import { Tape } from './tape.ts';

export interface Filling {
  /** `loading`: what is recorded already is on its way. */
  readonly is: 'loading' | 'live' | 'over';
  /** Grows with the tape. */
  readonly until: number;
  readonly lag: LagNews | undefined;
  readonly end: EndNews | undefined;
  readonly problem: Problem | undefined;
}

const START: Filling = { is: 'loading', until: 0, lag: undefined, end: undefined, problem: undefined };
/** How often those who look on are told that it has grown. */
const TOLD_EVERY_MS = 100;
/** After so much work the browser may draw. */
const TURN_MS = 12;

export class LiveTape {
  readonly tape = new Tape();
  readonly filling = signal<Filling>(START);
  readonly #ending = new AbortController();
  #toldAt = 0;

  /** Rejects never: what goes wrong is in `filling`. */
  async fill(api: Api, session: string, channel: number | undefined): Promise<void> {
    try {
      await this.#take(api, session, channel);
      this.#tell({ is: 'over' });
    } catch (thrown) {
      if (!this.#ending.signal.aborted) this.#tell({ is: 'over', problem: asProblem(thrown) });
    }
  }

  stop(): void {
    this.#ending.abort();
  }

  async #take(api: Api, session: string, channel: number | undefined): Promise<void> {
    const { signal: ending } = this.#ending;
    const onAway = (problem: Problem | undefined): void => this.#tell({ problem });
    const wish = { view: 'terminal', channel } as const;
    let turn = performance.now();
    for await (const { event, data } of liveEvents(api, session, wish, { signal: ending, onAway })) {
      if (event === 'terminal' && !this.tape.add(eventOf(data))) return;
      if (event === 'lag') this.#lag(data);
      if (event === 'end') this.#tell({ end: data });
      this.#grown();
      if (performance.now() - turn < TURN_MS) continue;
      await othersFirst();
      turn = performance.now();
    }
  }

  /** A lag is told each second, and when all that there was is told. */
  #lag(lag: LagNews): void {
    const isLive =
      lag.state === 'open' && (lag.behindMs === undefined || lag.n === this.filling.value.lag?.n);
    this.#tell({ lag, is: isLive ? 'live' : this.filling.value.is });
  }

  #grown(): void {
    const now = performance.now();
    if (now - this.#toldAt < TOLD_EVERY_MS) return;
    this.#toldAt = now;
    this.#tell({});
  }

  #tell(news: Partial<Filling>): void {
    this.filling.value = { ...this.filling.value, ...news, until: this.tape.until };
  }
}

function eventOf(news: TerminalNews): TerminalEvent {
  const { kind, at } = news;
  switch (kind) {
    case 'start':
      return { kind, at, ...sizeOf(news), isTerminal: news.isTerminal ?? true };
    case 'output':
    case 'input':
      return { kind, at, bytes: bytesOf(news.bytes ?? '') };
    case 'resize':
      return { kind, at, ...sizeOf(news) };
    case 'exit':
      return { kind, at, status: news.status ?? 0 };
  }
}

function sizeOf({ columns = 80, rows = 24 }: TerminalNews) {
  return { columns, rows };
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  return bytes;
}

function othersFirst(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
