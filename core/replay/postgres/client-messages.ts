import { Frontend } from '#core/protocols/postgres/messages.ts';
import { violation } from '#core/protocols/postgres/wire.ts';
import { latin1, readCopyData, readFormats, readTypes, readValues, type Values } from './common-messages.ts';
import { nothingYet, type Parts, type Reading } from './parts.ts';
import type { ReplayLimits } from './step.ts';
import type { CutValue } from './values.ts';

/**
 * What the client says, as bytes: the server reads them in the encoding that is in force when it comes to them. Names stand as
 * one character for each byte.
 */
export type ClientContent =
  | { readonly kind: 'query'; readonly text: CutValue }
  | {
      readonly kind: 'parse';
      readonly statement: string;
      readonly text: CutValue;
      readonly types: readonly number[];
    }
  | ({ readonly kind: 'bind'; readonly portal: string; readonly statement: string } & Values)
  | ({ readonly kind: 'function-call'; readonly function: number } & Values)
  | {
      readonly kind: 'describe' | 'close';
      readonly what: 'statement' | 'portal';
      readonly name: string;
    }
  | { readonly kind: 'execute'; readonly portal: string; readonly maxRows: number }
  | { readonly kind: 'copy-data'; readonly data: CutValue }
  | { readonly kind: 'copy-fail'; readonly reason: CutValue }
  /** `password`: PasswordMessage, SASLInitialResponse, SASLResponse or GSSResponse, whose bytes are withheld. */
  | { readonly kind: 'flush' | 'sync' | 'copy-done' | 'terminate' | 'password' }
  | { readonly kind: 'unknown'; readonly type: number };

type Put = (message: ClientContent) => void;

/** A message of the client. What was read by then is in what was `put`, also when the message does not go on. */
export function readClient(type: number, parts: Parts, put: Put, limits: ReplayLimits): Reading {
  switch (type) {
    case Frontend.query:
      return readQuery(parts, put, limits);
    case Frontend.parse:
      return readParse(parts, put, limits);
    case Frontend.bind:
      return readBind(parts, put, limits);
    case Frontend.functionCall:
      return readFunctionCall(parts, put, limits);
    case Frontend.describe:
    case Frontend.close:
      return readNamed(type === Frontend.close ? 'close' : 'describe', parts, put, limits);
    case Frontend.execute:
      return readExecute(parts, put, limits);
    case Frontend.copyData:
      return readCopyData(parts, put, limits);
    case Frontend.copyFail:
      return readCopyFail(parts, put, limits);
    default:
      return readMark(type, parts, put);
  }
}

/** The statement of a Query is all of it but a NUL: its length is known from the start. */
function* readQuery(parts: Parts, put: Put, limits: ReplayLimits): Reading {
  const text = { bytes: new Uint8Array(0), length: Math.max(0, parts.left - 1) };
  put({ kind: 'query', text });
  yield* parts.bytes(text, text.length, limits.text);
  if ((yield* parts.byte()) !== 0) throw violation('a string in a message has no end');
  const end = text.bytes.indexOf(0);
  if (end !== -1) throw violation('a message is longer than its content');
}

function* readParse(parts: Parts, put: Put, limits: ReplayLimits): Reading {
  const statement = latin1(yield* parts.string(limits.value));
  const text = nothingYet();
  const types: number[] = [];
  put({ kind: 'parse', statement, text, types });
  yield* parts.string(limits.text, text);
  yield* readTypes(parts, types);
}

function* readBind(parts: Parts, put: Put, limits: ReplayLimits): Reading {
  const portal = latin1(yield* parts.string(limits.value));
  const statement = latin1(yield* parts.string(limits.value));
  const [formats, resultFormats]: [number[], number[]] = [[], []];
  const values: (CutValue | null)[] = [];
  put({ kind: 'bind', portal, statement, formats, values, resultFormats });
  yield* readFormats(parts, formats);
  yield* readValues(parts, values, limits.value);
  yield* readFormats(parts, resultFormats);
}

function* readFunctionCall(parts: Parts, put: Put, limits: ReplayLimits): Reading {
  const called = yield* parts.uint32();
  const [formats, resultFormats]: [number[], number[]] = [[], []];
  const values: (CutValue | null)[] = [];
  put({ kind: 'function-call', function: called, formats, values, resultFormats });
  yield* readFormats(parts, formats);
  yield* readValues(parts, values, limits.value);
  resultFormats.push(yield* parts.int16());
}

function* readNamed(kind: 'describe' | 'close', parts: Parts, put: Put, limits: ReplayLimits): Reading {
  const letter = String.fromCharCode(yield* parts.byte());
  if (letter !== 'S' && letter !== 'P') throw violation('neither a statement nor a portal is named');
  const name = latin1(yield* parts.string(limits.value));
  put({ kind, what: letter === 'S' ? 'statement' : 'portal', name });
}

function* readExecute(parts: Parts, put: Put, limits: ReplayLimits): Reading {
  const portal = latin1(yield* parts.string(limits.value));
  put({ kind: 'execute', portal, maxRows: yield* parts.int32() });
}

function* readCopyFail(parts: Parts, put: Put, limits: ReplayLimits): Reading {
  const reason = nothingYet();
  put({ kind: 'copy-fail', reason });
  yield* parts.string(limits.text, reason);
}

/** Messages without content, or with one that is not shown. */
function* readMark(type: number, parts: Parts, put: Put): Reading {
  const kind = MARKS.get(type);
  if (kind === undefined || kind === 'password') yield* parts.rest(nothingYet(), 0);
  put(kind === undefined ? { kind: 'unknown', type } : { kind });
}

const MARKS: ReadonlyMap<number, 'flush' | 'sync' | 'copy-done' | 'terminate' | 'password'> = new Map([
  [Frontend.flush, 'flush'],
  [Frontend.sync, 'sync'],
  [Frontend.copyDone, 'copy-done'],
  [Frontend.terminate, 'terminate'],
  [Frontend.password, 'password'],
]);
