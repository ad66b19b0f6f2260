import { type BackendMessage, parseBackend } from '#core/protocols/postgres/backend.ts';
import { Backend } from '#core/protocols/postgres/messages.ts';
import { violation } from '#core/protocols/postgres/wire.ts';
import { readCopyData, readTypes, readValue, readValues } from './common-messages.ts';
import { nothingYet, type Parts, type Reading } from './parts.ts';
import type { ReplayLimits } from './step.ts';
import type { CutValue } from './values.ts';

/** Field type letter → text, as bytes: S V C M D H P p q W s t c d n F L R, and any newer one. */
export type ReportFields = ReadonlyMap<string, CutValue>;

export interface ReadColumn {
  readonly name: CutValue;
  readonly type: number;
  readonly format: number;
}

/** What the server says; texts are in the encoding that is in force when it says them. */
export type ServerContent =
  | Exclude<BackendMessage, { kind: ReadAsBytes }>
  | { readonly kind: 'parameter-status'; readonly name: CutValue; readonly value: CutValue }
  | { readonly kind: 'error' | 'notice'; readonly fields: ReportFields }
  | {
      readonly kind: 'notification';
      readonly processId: number;
      readonly channel: CutValue;
      readonly payload: CutValue;
    }
  | { readonly kind: 'row-description'; readonly columns: readonly ReadColumn[] }
  | { readonly kind: 'data-row'; readonly values: readonly (CutValue | null)[] }
  | { readonly kind: 'function-result'; readonly value: CutValue | null }
  | { readonly kind: 'copy-data'; readonly data: CutValue };

type ReadAsBytes =
  | 'parameter-status'
  | 'error'
  | 'notice'
  | 'notification'
  | 'row-description'
  | 'data-row'
  | 'function-result'
  | 'copy-data';

type Put = (message: ServerContent) => void;

const FIELDS_MAX = 64;

/** A message of the server. What was read by then is in what was `put`, also when the message does not go on. */
export function readServer(type: number, parts: Parts, put: Put, limits: ReplayLimits): Reading {
  switch (type) {
    case Backend.errorResponse:
    case Backend.noticeResponse:
      return readReport(type === Backend.errorResponse ? 'error' : 'notice', parts, put, limits);
    case Backend.parameterStatus:
      return readSetting(parts, put, limits);
    case Backend.notificationResponse:
      return readNotification(parts, put, limits);
    case Backend.rowDescription:
      return readColumns(parts, put, limits);
    case Backend.parameterDescription:
      return readParameters(parts, put);
    case Backend.dataRow:
      return readRow(parts, put, limits);
    case Backend.functionCallResponse:
      return readResult(parts, put, limits);
    case Backend.copyData:
      return readCopyData(parts, put, limits);
    default:
      return readSmall(type, parts, put, limits);
  }
}

/** Each field has its own bound: a long message does not cost its hint. */
function* readReport(kind: 'error' | 'notice', parts: Parts, put: Put, limits: ReplayLimits): Reading {
  const fields = new Map<string, CutValue>();
  put({ kind, fields });
  for (let code = yield* parts.byte(); code !== 0; code = yield* parts.byte()) {
    const text = nothingYet();
    if (fields.size < FIELDS_MAX) fields.set(String.fromCharCode(code), text);
    yield* parts.string(limits.text, text);
  }
}

function* readSetting(parts: Parts, put: Put, limits: ReplayLimits): Reading {
  const name = yield* parts.string(limits.value);
  put({ kind: 'parameter-status', name, value: yield* parts.string(limits.value) });
}

function* readNotification(parts: Parts, put: Put, limits: ReplayLimits): Reading {
  const processId = yield* parts.int32();
  const channel = yield* parts.string(limits.value);
  const payload = nothingYet();
  put({ kind: 'notification', processId, channel, payload });
  yield* parts.string(limits.text, payload);
}

function* readColumns(parts: Parts, put: Put, limits: ReplayLimits): Reading {
  const columns: ReadColumn[] = [];
  put({ kind: 'row-description', columns });
  for (let left = yield* parts.count(); left > 0; left--) {
    const name = yield* parts.string(limits.value);
    yield* parts.int32(); // table
    yield* parts.int16(); // its attribute
    const type = yield* parts.uint32();
    yield* parts.int16(); // size
    yield* parts.int32(); // modifier
    columns.push({ name, type, format: yield* parts.int16() });
  }
}

function* readParameters(parts: Parts, put: Put): Reading {
  const types: number[] = [];
  put({ kind: 'parameter-description', types });
  yield* readTypes(parts, types);
}

function* readRow(parts: Parts, put: Put, limits: ReplayLimits): Reading {
  const values: (CutValue | null)[] = [];
  put({ kind: 'data-row', values });
  yield* readValues(parts, values, limits.value);
}

function* readResult(parts: Parts, put: Put, limits: ReplayLimits): Reading {
  const values: (CutValue | null)[] = [];
  yield* readValue(parts, values, limits.value);
  put({ kind: 'function-result', value: values[0]! });
}

/** Messages of fixed or small size, whole or not at all. */
function* readSmall(type: number, parts: Parts, put: Put, limits: ReplayLimits): Reading {
  if (parts.left > limits.message) throw violation('the message is too long for its kind');
  const body = nothingYet();
  yield* parts.rest(body, limits.message);
  const message = parseBackend(type, body.bytes);
  if (!isReadAsBytes(message)) put(message);
}

/** Those have readers of their own here. */
function isReadAsBytes(message: BackendMessage): message is Extract<BackendMessage, { kind: ReadAsBytes }> {
  return READ_AS_BYTES.has(message.kind);
}

const READ_AS_BYTES: ReadonlySet<string> = new Set<ReadAsBytes>([
  'parameter-status',
  'error',
  'notice',
  'notification',
  'row-description',
  'data-row',
  'function-result',
  'copy-data',
]);
