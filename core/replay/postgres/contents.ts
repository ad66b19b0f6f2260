/**
 * Contents of messages for a reader that must not stop: one that is too long to keep is read as it comes, part by part, one that
 * ends too early as far as it goes, and one that is not well-formed comes back as its kind alone, with words about what is wrong.
 */
import { asCustodyError } from '#core/errors.ts';
import { Backend, Frontend } from '#core/protocols/postgres/messages.ts';
import { violation } from '#core/protocols/postgres/wire.ts';
import { type ClientContent, readClient } from './client-messages.ts';
import type { Values } from './common-messages.ts';
import { Parts, type Reading } from './parts.ts';
import { readServer, type ServerContent } from './server-messages.ts';
import type { ReplayLimits } from './step.ts';
import type { CutValue } from './values.ts';

export type { ClientContent } from './client-messages.ts';
export type { ServerContent } from './server-messages.ts';

export interface Content<Message> {
  /** Undefined when nothing can be said about the message. */
  readonly message: Message | undefined;
  readonly damage?: string;
}

/** One side's messages: how they are read, and what is left of one that cannot be. */
export interface Side<Message> {
  readonly name: 'client' | 'server';
  readonly read: (
    type: number,
    parts: Parts,
    put: (message: Message) => void,
    limits: ReplayLimits,
  ) => Reading;
  readonly bare: (type: number) => Message | undefined;
}

export const CLIENT: Side<ClientContent> = { name: 'client', read: readClient, bare: bareClient };
export const SERVER: Side<ServerContent> = { name: 'server', read: readServer, bare: bareServer };

/** A message that is all there. What it holds may be views of `body`. */
export function wholeContent<Message>(
  side: Side<Message>,
  type: number,
  body: Uint8Array,
  limits: ReplayLimits,
): Content<Message> {
  const content = new GrowingContent(side, type, body.length, limits, false);
  content.push(body);
  return content.finish();
}

/** A message whose parts are read as they come: nothing but what is kept of them is held. */
export class GrowingContent<Message> {
  readonly #side: Side<Message>;
  readonly #type: number;
  readonly #length: number;
  readonly #parts: Parts;
  readonly #reading: Reading;
  #message: Message | undefined;
  #isOver = false;
  #damage: string | undefined;

  /** `copies`: what is pushed does not last as long as the content is wanted. */
  constructor(side: Side<Message>, type: number, length: number, limits: ReplayLimits, copies = true) {
    this.#side = side;
    this.#type = type;
    this.#length = length;
    this.#parts = new Parts(length, limits.message, copies);
    this.#reading = side.read(type, this.#parts, (message) => (this.#message = message), limits);
  }

  push(bytes: Uint8Array): void {
    if (this.#isOver || this.#damage !== undefined) return;
    this.#parts.feed(bytes);
    try {
      this.#isOver = this.#reading.next().done === true;
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  /** All of it has been pushed. */
  finish(): Content<Message> {
    if (!this.#isOver) this.push(new Uint8Array(0));
    if (this.#isOver && this.#parts.left > 0) this.#fail(violation('a message is longer than its content'));
    if (this.#damage === undefined) return { message: this.#message };
    return { message: this.#side.bare(this.#type), damage: this.#damage };
  }

  /** The stream ended within it. */
  soFar(): Content<Message> {
    return this.#damage === undefined ? { message: this.#message } : this.finish();
  }

  #fail(thrown: unknown): void {
    const letter =
      this.#type > 0x20 && this.#type < 0x7f
        ? String.fromCharCode(this.#type)
        : `0x${this.#type.toString(16)}`;
    this.#damage = `message ${letter} of ${this.#length} bytes from the ${this.#side.name}: ${asCustodyError(thrown).message}`;
  }
}

const EMPTY: CutValue = { bytes: new Uint8Array(0), length: 0 };
const NO_VALUES: Values = { formats: [], values: [], resultFormats: [] };

/** What of an unreadable message still matters to the order of answers. */
function bareClient(type: number): ClientContent | undefined {
  switch (type) {
    case Frontend.query:
      return { kind: 'query', text: EMPTY };
    case Frontend.parse:
      return { kind: 'parse', statement: '', text: EMPTY, types: [] };
    case Frontend.bind:
      return { kind: 'bind', portal: '', statement: '', ...NO_VALUES };
    case Frontend.describe:
    case Frontend.close:
      return { kind: type === Frontend.close ? 'close' : 'describe', what: 'statement', name: '' };
    case Frontend.execute:
      return { kind: 'execute', portal: '', maxRows: 0 };
    case Frontend.functionCall:
      return { kind: 'function-call', function: 0, ...NO_VALUES };
    case Frontend.sync:
      return { kind: 'sync' };
    case Frontend.copyDone:
    case Frontend.copyFail:
      return { kind: 'copy-done' };
    default:
      return undefined;
  }
}

function bareServer(type: number): ServerContent | undefined {
  switch (type) {
    case Backend.errorResponse:
      return { kind: 'error', fields: new Map() };
    case Backend.commandComplete:
      return { kind: 'command-complete', tag: '' };
    case Backend.readyForQuery:
      return { kind: 'ready-for-query', status: '' };
    case Backend.dataRow:
      return { kind: 'data-row', values: [] };
    case Backend.rowDescription:
      return { kind: 'row-description', columns: [] };
    case Backend.copyInResponse:
      return { kind: 'copy-in', format: 0, columnFormats: [] };
    case Backend.copyOutResponse:
      return { kind: 'copy-out', format: 0, columnFormats: [] };
    case Backend.functionCallResponse:
      return { kind: 'function-result', value: null };
    default:
      return undefined;
  }
}
