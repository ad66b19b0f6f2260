/**
 * Contents of messages for a reader that must not stop: a message that was too long to keep is read as far as it goes,
 * one that is not well-formed comes back as its kind alone, with words about what is wrong.
 */
import { asCustodyError } from '#core/errors.ts';
import { type BackendMessage, parseBackend } from '#core/protocols/postgres/backend.ts';
import { type FrontendMessage, parseFrontend } from '#core/protocols/postgres/frontend.ts';
import {
  Backend,
  Frontend,
  type TruncatedMessage,
  type WireMessage,
} from '#core/protocols/postgres/messages.ts';
import { concat, Cursor, violation } from '#core/protocols/postgres/wire.ts';
import type { CutValue } from './values.ts';

/** Names of statements and portals are the wire's bytes, one character each. */
export type ClientContent =
  | Exclude<FrontendMessage, { kind: 'query' | 'parse' | 'bind' | 'function-call' | 'copy-data' }>
  | { readonly kind: 'query'; readonly text: CutValue }
  | {
      readonly kind: 'parse';
      readonly statement: string;
      readonly text: CutValue;
      readonly types: readonly number[];
    }
  | ({ readonly kind: 'bind'; readonly portal: string; readonly statement: string } & Values)
  | ({ readonly kind: 'function-call'; readonly function: number } & Values)
  | { readonly kind: 'copy-data'; readonly data: CutValue };

interface Values {
  readonly formats: readonly number[];
  readonly values: readonly (CutValue | null)[];
  readonly resultFormats: readonly number[];
}

export type ServerContent =
  | Exclude<BackendMessage, { kind: 'data-row' | 'function-result' | 'copy-data' }>
  | { readonly kind: 'data-row'; readonly values: readonly (CutValue | null)[] }
  | { readonly kind: 'function-result'; readonly value: CutValue | null }
  | { readonly kind: 'copy-data'; readonly data: CutValue };

export interface Content<Message> {
  /** Undefined when nothing can be said about the message. */
  readonly message: Message | undefined;
  readonly damage?: string;
}

const EMPTY: CutValue = { bytes: new Uint8Array(0), length: 0 };
const NO_VALUES: Values = { formats: [], values: [], resultFormats: [] };

export function clientContent(wire: WireMessage): Content<ClientContent> {
  try {
    return { message: wire.truncated ? cutClient(wire) : wholeClient(wire.type, wire.body) };
  } catch (thrown) {
    return { message: bareClient(wire.type), damage: damageOf('client', wire, thrown) };
  }
}

export function serverContent(wire: WireMessage): Content<ServerContent> {
  try {
    return { message: wire.truncated ? cutServer(wire) : wholeServer(wire.type, wire.body) };
  } catch (thrown) {
    return { message: bareServer(wire.type), damage: damageOf('server', wire, thrown) };
  }
}

function damageOf(side: string, { type, length }: WireMessage, thrown: unknown): string {
  const letter = type > 0x20 && type < 0x7f ? String.fromCharCode(type) : `0x${type.toString(16)}`;
  return `message ${letter} of ${length} bytes from the ${side}: ${asCustodyError(thrown).message}`;
}

function wholeClient(type: number, body: Uint8Array): ClientContent {
  const message = parseFrontend(type, body);
  switch (message.kind) {
    case 'query':
      return { kind: 'query', text: whole(body.subarray(0, -1)) };
    case 'parse':
      return { ...message, statement: wireName(new Cursor(body)), text: parsedText(body) };
    case 'bind':
      return { ...message, ...boundNames(body), values: message.values.map(wholeOrNull) };
    case 'execute':
      return { ...message, portal: wireName(new Cursor(body)) };
    case 'describe':
    case 'close':
      return { ...message, name: wireName(new Cursor(body.subarray(1))) };
    case 'function-call':
      return { ...message, values: message.values.map(wholeOrNull), resultFormats: [message.resultFormat] };
    case 'copy-data':
      return { kind: 'copy-data', data: whole(message.data) };
    default:
      return message;
  }
}

/** A name as it is on the wire, one character a byte: what the server tells names apart by. */
function wireName(cursor: Cursor): string {
  return Buffer.from(cursor.stringBytes()).toString('latin1');
}

function boundNames(body: Uint8Array): { readonly portal: string; readonly statement: string } {
  const cursor = new Cursor(body);
  return { portal: wireName(cursor), statement: wireName(cursor) };
}

function parsedText(body: Uint8Array): CutValue {
  const cursor = new Cursor(body);
  cursor.stringBytes();
  return whole(cursor.stringBytes());
}

function wholeServer(type: number, body: Uint8Array): ServerContent {
  const message = parseBackend(type, body);
  switch (message.kind) {
    case 'data-row':
      return { kind: 'data-row', values: message.values.map(wholeOrNull) };
    case 'function-result':
      return { kind: 'function-result', value: wholeOrNull(message.value) };
    case 'copy-data':
      return { kind: 'copy-data', data: whole(message.data) };
    default:
      return message;
  }
}

function whole(bytes: Uint8Array): CutValue {
  return { bytes, length: bytes.length };
}

function wholeOrNull(bytes: Uint8Array | null): CutValue | null {
  return bytes === null ? null : whole(bytes);
}

function cutClient({ type, length, prefix }: TruncatedMessage): ClientContent {
  const cursor = new Cursor(prefix);
  switch (type) {
    case Frontend.query:
      return { kind: 'query', text: { bytes: prefix, length: length - 1 } };
    case Frontend.parse:
      return {
        kind: 'parse',
        statement: wireName(cursor),
        text: cutText(cursor, length - prefix.length),
        types: [],
      };
    case Frontend.bind:
      return { kind: 'bind', portal: wireName(cursor), statement: wireName(cursor), ...cutValues(cursor) };
    case Frontend.functionCall:
      return { kind: 'function-call', function: cursor.uint32(), ...cutValues(cursor) };
    case Frontend.copyData:
      return { kind: 'copy-data', data: { bytes: prefix, length } };
    default:
      throw violation('the message is too long for its kind');
  }
}

/** The statement of a Parse: up to its NUL when that is there, else all there is (its types follow, so it is longer). */
function cutText(cursor: Cursor, missing: number): CutValue {
  const bytes = cursor.rest();
  const end = bytes.indexOf(0);
  return end === -1 ? { bytes, length: bytes.length + missing } : whole(bytes.subarray(0, end));
}

function cutValues(cursor: Cursor): Values {
  const formats: number[] = [];
  for (let left = cursor.count(); left > 0; left--) formats.push(cursor.int16());
  return { formats, values: valuesSoFar(cursor), resultFormats: [] };
}

function cutServer({ type, length, prefix }: TruncatedMessage): ServerContent {
  const cursor = new Cursor(prefix);
  switch (type) {
    case Backend.dataRow:
      return { kind: 'data-row', values: valuesSoFar(cursor) };
    case Backend.functionCallResponse:
      return { kind: 'function-result', value: { bytes: prefix.subarray(4), length: length - 4 } };
    case Backend.copyData:
      return { kind: 'copy-data', data: { bytes: prefix, length } };
    case Backend.errorResponse:
    case Backend.noticeResponse:
      return cutReport(type, prefix);
    default:
      throw violation('the message is too long for its kind');
  }
}

/** Values up to the one that the cut divides. */
function valuesSoFar(cursor: Cursor): (CutValue | null)[] {
  const values: (CutValue | null)[] = [];
  for (let left = cursor.count(); left > 0 && cursor.left >= 4; left--) {
    const length = cursor.int32();
    if (length < 0) values.push(null);
    else values.push({ bytes: cursor.take(Math.min(length, cursor.left)), length });
  }
  return values;
}

/** A report whose end the cut took gets one. */
function cutReport(type: number, prefix: Uint8Array): ServerContent {
  const end = prefix.findLastIndex((byte) => byte !== 0) + 1;
  return wholeServer(type, concat([prefix.subarray(0, end), Uint8Array.of(0, 0)]));
}

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
