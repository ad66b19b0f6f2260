/**
 * Messages from the server: what the gateway says to a client, and what a login and a replay read.
 * https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
import { Backend } from './messages.ts';
import { Cursor, concat, cstring, decodeText, int32, message } from './wire.ts';

const AUTH_OK = 0;
const AUTH_CLEARTEXT = 3;
const AUTH_MD5 = 5;
const AUTH_SASL = 10;
const AUTH_SASL_CONTINUE = 11;
const AUTH_SASL_FINAL = 12;

/** Idle, in a transaction, in a failed transaction. */
export type TransactionStatus = 'I' | 'T' | 'E';

export interface Report {
  readonly severity: 'ERROR' | 'FATAL' | 'WARNING' | 'NOTICE' | 'INFO' | 'LOG' | 'DEBUG';
  readonly sqlstate: string;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly detail?: string | undefined;
}

export function errorResponse(report: Report & { readonly severity: 'ERROR' | 'FATAL' }): Uint8Array {
  return message(Backend.errorResponse, reportFields(report));
}

export function noticeResponse(report: Report): Uint8Array {
  return message(Backend.noticeResponse, reportFields(report));
}

function reportFields(report: Report): Uint8Array {
  const fields = [
    ['S', report.severity],
    ['V', report.severity],
    ['C', report.sqlstate],
    ['M', report.message],
    ['D', report.detail],
    ['H', report.hint],
  ] as const;
  const given = fields.filter(([, text]) => text !== undefined);
  return concat([...given.map(([code, text]) => cstring(`${code}${text}`)), Uint8Array.of(0)]);
}

export function authenticationOk(): Uint8Array {
  return message(Backend.authentication, int32(AUTH_OK));
}

export function authenticationCleartextPassword(): Uint8Array {
  return message(Backend.authentication, int32(AUTH_CLEARTEXT));
}

export function authenticationSasl(mechanisms: readonly string[]): Uint8Array {
  return message(Backend.authentication, int32(AUTH_SASL), ...mechanisms.map(cstring), Uint8Array.of(0));
}

export function authenticationSaslContinue(data: Uint8Array): Uint8Array {
  return message(Backend.authentication, int32(AUTH_SASL_CONTINUE), data);
}

export function authenticationSaslFinal(data: Uint8Array): Uint8Array {
  return message(Backend.authentication, int32(AUTH_SASL_FINAL), data);
}

export function parameterStatus(name: string, value: string): Uint8Array {
  return message(Backend.parameterStatus, cstring(name), cstring(value));
}

/** `secret`: 4 bytes for protocol 3.0, up to 256 from 3.2 on. */
export function backendKeyData(processId: number, secret: Uint8Array): Uint8Array {
  return message(Backend.backendKeyData, int32(processId), secret);
}

/** `newestMinor`: of protocol 3; `unrecognised`: names of the `_pq_.` options that mean nothing here. */
export function negotiateProtocolVersion(newestMinor: number, unrecognised: readonly string[]): Uint8Array {
  const version = int32((3 << 16) | newestMinor);
  return message(
    Backend.negotiateProtocolVersion,
    version,
    int32(unrecognised.length),
    ...unrecognised.map(cstring),
  );
}

export function readyForQuery(status: TransactionStatus): Uint8Array {
  return message(Backend.readyForQuery, Uint8Array.of(status.charCodeAt(0)));
}

export type Authentication =
  | { readonly kind: 'authentication-ok' | 'authentication-cleartext' }
  | { readonly kind: 'authentication-md5'; readonly salt: Uint8Array }
  | { readonly kind: 'authentication-sasl'; readonly mechanisms: readonly string[] }
  | { readonly kind: 'authentication-sasl-continue' | 'authentication-sasl-final'; readonly data: Uint8Array }
  | { readonly kind: 'authentication-other'; readonly method: number };

/** Field type letter → text: S V C M D H P p q W s t c d n F L R, and any newer one. */
export type ReportFields = ReadonlyMap<string, string>;

export interface Column {
  readonly name: string;
  /** OID of the table it comes from, or 0, and its number there. */
  readonly table: number;
  readonly attribute: number;
  readonly type: number;
  readonly typeSize: number;
  readonly typeModifier: number;
  readonly format: number;
}

export type BackendMessage =
  | Authentication
  | { readonly kind: 'parameter-status'; readonly name: string; readonly value: string }
  | { readonly kind: 'backend-key-data'; readonly processId: number; readonly secret: Uint8Array }
  | {
      readonly kind: 'negotiate-protocol-version';
      /** As newer servers send it, the whole version (3 << 16 | minor); the minor alone is all that matters. */
      readonly newestMinor: number;
      readonly unrecognised: readonly string[];
    }
  | { readonly kind: 'error' | 'notice'; readonly fields: ReportFields }
  | { readonly kind: 'ready-for-query'; readonly status: string }
  | { readonly kind: 'row-description'; readonly columns: readonly Column[] }
  | { readonly kind: 'data-row'; readonly values: readonly (Uint8Array | null)[] }
  | { readonly kind: 'command-complete'; readonly tag: string }
  | {
      readonly kind:
        | 'empty-query'
        | 'parse-complete'
        | 'bind-complete'
        | 'close-complete'
        | 'no-data'
        | 'portal-suspended'
        | 'copy-done';
    }
  | { readonly kind: 'parameter-description'; readonly types: readonly number[] }
  | {
      readonly kind: 'copy-in' | 'copy-out' | 'copy-both';
      readonly format: number;
      readonly columnFormats: readonly number[];
    }
  | { readonly kind: 'copy-data'; readonly data: Uint8Array }
  | {
      readonly kind: 'notification';
      readonly processId: number;
      readonly channel: string;
      readonly payload: string;
    }
  | { readonly kind: 'function-result'; readonly value: Uint8Array | null }
  | { readonly kind: 'unknown'; readonly type: number };

/**
 * One message of the server, as framed by MessageReader. Bytes in the result are views of `body`.
 * Throws `protocol-violation` when the body does not have the message's shape.
 */
export function parseBackend(type: number, body: Uint8Array): BackendMessage {
  const cursor = new Cursor(body);
  const parsed = parseBody(type, cursor);
  if (parsed.kind !== 'unknown') cursor.end();
  return parsed;
}

function parseBody(type: number, body: Cursor): BackendMessage {
  switch (type) {
    case Backend.authentication:
      return parseAuthentication(body);
    case Backend.parameterStatus:
      return { kind: 'parameter-status', name: body.string(), value: body.string() };
    case Backend.backendKeyData:
      return { kind: 'backend-key-data', processId: body.int32(), secret: body.rest() };
    case Backend.negotiateProtocolVersion:
      return parseNegotiation(body);
    case Backend.errorResponse:
      return { kind: 'error', fields: parseReport(body) };
    case Backend.noticeResponse:
      return { kind: 'notice', fields: parseReport(body) };
    case Backend.readyForQuery:
      return { kind: 'ready-for-query', status: String.fromCharCode(body.byte()) };
    case Backend.notificationResponse:
      return {
        kind: 'notification',
        processId: body.int32(),
        channel: body.string(),
        payload: body.string(),
      };
    default:
      return parseAnswer(type, body);
  }
}

/** The messages that answer statements. */
function parseAnswer(type: number, body: Cursor): BackendMessage {
  switch (type) {
    case Backend.rowDescription:
      return { kind: 'row-description', columns: times(body.count(), () => parseColumn(body)) };
    case Backend.dataRow:
      return { kind: 'data-row', values: times(body.count(), () => body.value()) };
    case Backend.commandComplete:
      return { kind: 'command-complete', tag: body.string() };
    case Backend.parameterDescription:
      return { kind: 'parameter-description', types: times(body.count(), () => body.uint32()) };
    case Backend.copyData:
      return { kind: 'copy-data', data: body.rest() };
    case Backend.functionCallResponse:
      return { kind: 'function-result', value: body.value() };
    case Backend.copyInResponse:
      return { kind: 'copy-in', ...parseCopy(body) };
    case Backend.copyOutResponse:
      return { kind: 'copy-out', ...parseCopy(body) };
    case Backend.copyBothResponse:
      return { kind: 'copy-both', ...parseCopy(body) };
    default:
      return parseMark(type);
  }
}

/** The messages without a body. */
function parseMark(type: number): BackendMessage {
  switch (type) {
    case Backend.emptyQueryResponse:
      return { kind: 'empty-query' };
    case Backend.parseComplete:
      return { kind: 'parse-complete' };
    case Backend.bindComplete:
      return { kind: 'bind-complete' };
    case Backend.closeComplete:
      return { kind: 'close-complete' };
    case Backend.noData:
      return { kind: 'no-data' };
    case Backend.portalSuspended:
      return { kind: 'portal-suspended' };
    case Backend.copyDone:
      return { kind: 'copy-done' };
    default:
      return { kind: 'unknown', type };
  }
}

function parseAuthentication(body: Cursor): Authentication {
  const method = body.int32();
  switch (method) {
    case AUTH_OK:
      return { kind: 'authentication-ok' };
    case AUTH_CLEARTEXT:
      return { kind: 'authentication-cleartext' };
    case AUTH_MD5:
      return { kind: 'authentication-md5', salt: body.take(4) };
    case AUTH_SASL:
      return { kind: 'authentication-sasl', mechanisms: parseMechanisms(body) };
    case AUTH_SASL_CONTINUE:
      return { kind: 'authentication-sasl-continue', data: body.rest() };
    case AUTH_SASL_FINAL:
      return { kind: 'authentication-sasl-final', data: body.rest() };
    default:
      body.rest();
      return { kind: 'authentication-other', method };
  }
}

function parseMechanisms(body: Cursor): string[] {
  const mechanisms: string[] = [];
  for (let name = body.string(); name !== ''; name = body.string()) mechanisms.push(name);
  return mechanisms;
}

function parseNegotiation(body: Cursor): BackendMessage {
  const newestMinor = body.int32() & 0xffff;
  const unrecognised = times(body.uint32(), () => body.string());
  return { kind: 'negotiate-protocol-version', newestMinor, unrecognised };
}

function parseReport(body: Cursor): ReportFields {
  const fields = new Map<string, string>();
  for (let code = body.byte(); code !== 0; code = body.byte()) {
    fields.set(String.fromCharCode(code), decodeText(body.stringBytes()));
  }
  return fields;
}

/** One column of a RowDescription; the cursor stands at its name. */
function parseColumn(body: Cursor): Column {
  return {
    name: body.string(),
    table: body.uint32(),
    attribute: body.int16(),
    type: body.uint32(),
    typeSize: body.int16(),
    typeModifier: body.int32(),
    format: body.int16(),
  };
}

function parseCopy(body: Cursor): { format: number; columnFormats: number[] } {
  return { format: body.byte(), columnFormats: times(body.count(), () => body.int16()) };
}

/** `read` called `count` times; it throws at the body's end, so a false count costs no more than the body's length. */
export function times<T>(count: number, read: () => T): T[] {
  const items: T[] = [];
  for (let n = 0; n < count; n++) items.push(read());
  return items;
}
