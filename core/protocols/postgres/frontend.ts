/**
 * Messages from the client: what the gateway says when it logs in, and what it and a replay read.
 * https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
import { CustodyError } from '#core/errors.ts';
import { times } from './backend.ts';
import { Frontend } from './messages.ts';
import { Cursor, cstring, int32, message, violation } from './wire.ts';

/** Throws `config-invalid` for a password with a NUL, which the protocol cannot carry. */
export function passwordMessage(text: string): Uint8Array {
  if (text.includes('\0')) throw new CustodyError('config-invalid', 'a password cannot hold a NUL character');
  return message(Frontend.password, cstring(text));
}

export function saslInitialResponse(mechanism: string, data: Uint8Array): Uint8Array {
  return message(Frontend.password, cstring(mechanism), int32(data.length), data);
}

export function saslResponse(data: Uint8Array): Uint8Array {
  return message(Frontend.password, data);
}

export function terminate(): Uint8Array {
  return message(Frontend.terminate);
}

/** The text of a PasswordMessage's body. Throws `protocol-violation`. */
export function parsePassword(body: Uint8Array): string {
  const cursor = new Cursor(body);
  const text = cursor.string();
  cursor.end();
  return text;
}

export interface SaslInitialResponse {
  readonly mechanism: string;
  /** Undefined when the client wants a challenge first. */
  readonly data: Uint8Array | undefined;
}

/** The body of a SASLInitialResponse. Throws `protocol-violation`. */
export function parseSaslInitialResponse(body: Uint8Array): SaslInitialResponse {
  const cursor = new Cursor(body);
  const mechanism = cursor.string();
  const data = cursor.value() ?? undefined;
  cursor.end();
  return { mechanism, data };
}

/** A prepared statement ('S') or a portal ('P'). */
export type Described = 'statement' | 'portal';

export type FrontendMessage =
  | { readonly kind: 'query'; readonly text: string }
  | {
      readonly kind: 'parse';
      readonly statement: string;
      readonly text: string;
      readonly types: readonly number[];
    }
  | {
      readonly kind: 'bind';
      readonly portal: string;
      readonly statement: string;
      /** As the client sent them: none, one for all, or one each; 0 text, 1 binary. */
      readonly formats: readonly number[];
      readonly values: readonly (Uint8Array | null)[];
      readonly resultFormats: readonly number[];
    }
  | { readonly kind: 'describe' | 'close'; readonly what: Described; readonly name: string }
  | { readonly kind: 'execute'; readonly portal: string; readonly maxRows: number }
  | { readonly kind: 'flush' | 'sync' | 'copy-done' | 'terminate' }
  | { readonly kind: 'copy-data'; readonly data: Uint8Array }
  | { readonly kind: 'copy-fail'; readonly reason: string }
  | {
      readonly kind: 'function-call';
      readonly function: number;
      readonly formats: readonly number[];
      readonly values: readonly (Uint8Array | null)[];
      readonly resultFormat: number;
    }
  /** PasswordMessage, SASLInitialResponse, SASLResponse or GSSResponse: which one, only the login knows. */
  | { readonly kind: 'password'; readonly data: Uint8Array }
  | { readonly kind: 'unknown'; readonly type: number };

/**
 * One message of a client, as framed by MessageReader. Bytes in the result are views of `body`.
 * Throws `protocol-violation` when the body does not have the message's shape.
 */
export function parseFrontend(type: number, body: Uint8Array): FrontendMessage {
  const cursor = new Cursor(body);
  const parsed = parseBody(type, cursor);
  if (parsed.kind !== 'unknown') cursor.end();
  return parsed;
}

function parseBody(type: number, body: Cursor): FrontendMessage {
  switch (type) {
    case Frontend.query:
      return { kind: 'query', text: body.string() };
    case Frontend.parse:
      return { kind: 'parse', statement: body.string(), text: body.string(), types: readOids(body) };
    case Frontend.bind:
      return parseBind(body);
    case Frontend.describe:
      return { kind: 'describe', what: parseWhat(body), name: body.string() };
    case Frontend.close:
      return { kind: 'close', what: parseWhat(body), name: body.string() };
    case Frontend.execute:
      return { kind: 'execute', portal: body.string(), maxRows: body.int32() };
    case Frontend.functionCall:
      return parseFunctionCall(body);
    case Frontend.password:
      return { kind: 'password', data: body.rest() };
    default:
      return parseStreaming(type, body);
  }
}

function parseStreaming(type: number, body: Cursor): FrontendMessage {
  switch (type) {
    case Frontend.copyData:
      return { kind: 'copy-data', data: body.rest() };
    case Frontend.copyFail:
      return { kind: 'copy-fail', reason: body.string() };
    case Frontend.copyDone:
      return { kind: 'copy-done' };
    case Frontend.flush:
      return { kind: 'flush' };
    case Frontend.sync:
      return { kind: 'sync' };
    case Frontend.terminate:
      return { kind: 'terminate' };
    default:
      return { kind: 'unknown', type };
  }
}

function parseBind(body: Cursor): FrontendMessage {
  return {
    kind: 'bind',
    portal: body.string(),
    statement: body.string(),
    formats: readFormats(body),
    values: times(body.count(), () => body.value()),
    resultFormats: readFormats(body),
  };
}

function parseFunctionCall(body: Cursor): FrontendMessage {
  return {
    kind: 'function-call',
    function: body.uint32(),
    formats: readFormats(body),
    values: times(body.count(), () => body.value()),
    resultFormat: body.int16(),
  };
}

function parseWhat(body: Cursor): Described {
  const letter = String.fromCharCode(body.byte());
  if (letter === 'S') return 'statement';
  if (letter === 'P') return 'portal';
  throw violation('neither a statement nor a portal is named');
}

function readOids(body: Cursor): number[] {
  return times(body.count(), () => body.uint32());
}

function readFormats(body: Cursor): number[] {
  return times(body.count(), () => body.int16());
}
