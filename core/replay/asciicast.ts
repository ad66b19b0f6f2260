/** A recorded terminal as asciinema plays it: asciicast version 3, or 2 for players that know no other. */

import type { TerminalEvent } from './terminal.ts';
import { wholeUntil } from './utf8.ts';

export interface CastOptions {
  readonly version: 2 | 3;
  /** Of the session's start, in milliseconds since 1970. */
  readonly startedAt: number;
  readonly title: string;
  /** What was typed is in it, which may be passwords that no screen showed. */
  readonly input: boolean;
  /** Which evidence it is of: a member of the header that players pass over. */
  readonly evidence?: object;
}

/** What a cast could not say as it was. */
export interface CastRemarks {
  /** Bytes that are no UTF-8 stand as U+FFFD. */
  replaced: boolean;
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const tolerant = new TextDecoder('utf-8', { ignoreBOM: true });

/** Lines of a cast, without their ends; none where there is no terminal. */
export async function* asciicast(
  events: AsyncIterable<TerminalEvent>,
  options: CastOptions,
  remarks: CastRemarks,
): AsyncGenerator<string, void, undefined> {
  let cast: Cast | undefined;
  for await (const event of events) {
    if (event.kind === 'start') {
      cast ??= new Cast(event, options, remarks);
      yield cast.header();
    } else yield* cast?.lines(event) ?? [];
  }
  yield* cast?.end() ?? [];
}

type Start = Extract<TerminalEvent, { kind: 'start' }>;
type Code = 'o' | 'i' | 'r' | 'x';

class Cast {
  readonly #start: Start;
  readonly #options: CastOptions;
  readonly #texts: { readonly input: CastText; readonly output: CastText };
  #lastUs: number;

  constructor(start: Start, options: CastOptions, remarks: CastRemarks) {
    this.#start = start;
    this.#options = options;
    this.#texts = { input: new CastText(remarks), output: new CastText(remarks) };
    this.#lastUs = start.at;
  }

  header(): string {
    const { columns, rows, term, command, at } = this.#start;
    const { version, startedAt, title, evidence } = this.#options;
    const timestamp = Math.floor((startedAt + at / 1000) / 1000);
    const rest = {
      timestamp,
      title,
      ...(command !== undefined && { command }),
      ...(evidence !== undefined && { evidence }),
    };
    if (version === 3)
      return JSON.stringify({ version, term: { cols: columns, rows, ...(term && { type: term }) }, ...rest });
    return JSON.stringify({
      version,
      width: columns,
      height: rows,
      ...rest,
      ...(term && { env: { TERM: term } }),
    });
  }

  *lines(event: Exclude<TerminalEvent, Start>): Generator<string> {
    switch (event.kind) {
      case 'output':
        return yield* this.#text('o', event.at, this.#texts.output.take(event.bytes));
      case 'input':
        if (this.#options.input) yield* this.#text('i', event.at, this.#texts.input.take(event.bytes));
        return;
      case 'resize':
        return yield this.#line('r', event.at, `${event.columns}x${event.rows}`);
      case 'exit':
        // Version 2 has no word for it.
        if (this.#options.version === 3) yield this.#line('x', event.at, String(event.status));
    }
  }

  /** What is left of a character that never became whole. */
  *end(): Generator<string> {
    yield* this.#text('o', this.#lastUs, this.#texts.output.end());
    if (this.#options.input) yield* this.#text('i', this.#lastUs, this.#texts.input.end());
  }

  *#text(code: 'o' | 'i', at: number, text: string): Generator<string> {
    // A terminal that gets no CR with its LF goes down and not back; without one the client's own added it.
    const shown = code === 'o' && !this.#start.isTerminal ? text.replaceAll(/\r?\n/g, '\r\n') : text;
    if (shown !== '') yield this.#line(code, at, shown);
  }

  /** Version 3 says how long after the event before, version 2 how long after the start. */
  #line(code: Code, at: number, data: string): string {
    const us = Math.max(at, this.#lastUs);
    const from = this.#options.version === 3 ? this.#lastUs : this.#start.at;
    this.#lastUs = us;
    return JSON.stringify([Number(((us - from) / 1e6).toFixed(6)), code, data]);
  }
}

/** Text that comes in pieces which are cut anywhere. */
class CastText {
  readonly #remarks: CastRemarks;
  #rest = new Uint8Array(0);

  constructor(remarks: CastRemarks) {
    this.#remarks = remarks;
  }

  take(bytes: Uint8Array): string {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const whole = wholeUntil(all);
    this.#rest = Uint8Array.from(all.subarray(whole));
    return this.#decode(all.subarray(0, whole));
  }

  end(): string {
    const rest = this.#rest;
    this.#rest = new Uint8Array(0);
    return this.#decode(rest);
  }

  #decode(bytes: Uint8Array): string {
    try {
      return strict.decode(bytes);
    } catch {
      this.#remarks.replaced = true;
      return tolerant.decode(bytes);
    }
  }
}
