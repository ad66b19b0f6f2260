import type { ClientContent } from './contents.ts';
import type { CopyRun } from './copy-run.ts';
import { keep, keepOrNull } from './memory.ts';
import type { OfKind } from './of-kind.ts';
import type { Load, Operation } from './operations.ts';
import type { ReplayLimits } from './step.ts';
import type { CutValue } from './values.ts';

const LINE_FEED = 10;
const NONE = { statement: '', portal: '', what: undefined, load: undefined, dropped: false } as const;

/** A message of the client as an operation, with a copy of what is to be shown of it; undefined when it asks for nothing. */
export function operationOf(
  message: ClientContent,
  at: number,
  bytes: number,
  limits: ReplayLimits,
  run?: CopyRun,
): Operation | undefined {
  const asked = { ...NONE, at, bytes };
  switch (message.kind) {
    case 'query':
      return { ...asked, kind: 'query', load: { text: keep(message.text, limits.text) } };
    case 'parse':
      return parse(message, asked, limits);
    case 'bind':
      return bind(message, asked, limits);
    case 'execute':
      return { ...asked, kind: 'execute', portal: message.portal };
    case 'describe':
    case 'close':
      return { ...asked, kind: message.kind, what: message.what, [message.what]: message.name };
    case 'function-call':
      return functionCall(message, asked, limits);
    case 'copy-data':
      return { ...asked, kind: 'copy-data', bytes: 0, load: copyData(message, limits, run) };
    case 'copy-done':
    case 'copy-fail':
      return { ...asked, kind: 'copy-end' };
    case 'sync':
      return { ...asked, kind: 'sync' };
    default:
      return undefined;
  }
}

type Asked = Omit<Operation, 'kind'>;

function parse(
  { statement, text, types }: OfKind<ClientContent, 'parse'>,
  asked: Asked,
  limits: ReplayLimits,
): Operation {
  return { ...asked, kind: 'parse', statement, load: { text: keep(text, limits.text), types } };
}

function bind(message: OfKind<ClientContent, 'bind'>, asked: Asked, limits: ReplayLimits): Operation {
  const { portal, statement, formats, resultFormats } = message;
  const values = message.values.map((value) => keepOrNull(value, limits.value));
  const isBare = values.length + formats.length + resultFormats.length === 0;
  const load = isBare ? undefined : { values, formats, resultFormats };
  return { ...asked, kind: 'bind', portal, statement, load };
}

function functionCall(
  message: OfKind<ClientContent, 'function-call'>,
  asked: Asked,
  limits: ReplayLimits,
): Operation {
  const name = Buffer.from(`function ${message.function}`);
  const values = message.values.map((value) => keepOrNull(value, limits.value));
  const { formats, resultFormats } = message;
  const load = { text: { bytes: name, length: name.length }, values, formats, resultFormats };
  return { ...asked, kind: 'function-call', load };
}

function copyData(
  { data }: OfKind<ClientContent, 'copy-data'>,
  limits: ReplayLimits,
  run: CopyRun | undefined,
): Load {
  const sample = Uint8Array.from(data.bytes.subarray(0, limits.copy));
  const copy = { messages: 1, bytes: data.length, lines: linesOf(data), sample };
  return { copy: run === undefined ? copy : { ...copy, run } };
}

/** Infinity where they cannot be counted, as not all of it is there. */
function linesOf({ bytes, length }: CutValue): number {
  if (bytes.length < length) return Infinity;
  let lines = 0;
  for (let at = bytes.indexOf(LINE_FEED); at !== -1; at = bytes.indexOf(LINE_FEED, at + 1)) lines++;
  return lines;
}
