import { CustodyError } from '../../errors.ts';
import { STATEMENT_MAX_BYTES } from '../format.ts';
import { printable } from './report.ts';

const DEPTH_MAX = 16;

/**
 * A JSON object (RFC 8259) of at most 4096 bytes, read so that no two readers can see different things in it: valid
 * UTF-8, no name twice in an object, no `__proto__`, at most 16 levels deep.
 * Throws CustodyError `format-invalid`; the message completes "open.json …".
 */
export function parseStrictJson(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  if (bytes.length > STATEMENT_MAX_BYTES) {
    throw invalid(`is ${bytes.length} bytes long, more than ${STATEMENT_MAX_BYTES}`);
  }
  const text = decodeUtf8(bytes);
  const value = parse(text);
  if (!isObject(value)) throw invalid('is not a JSON object');
  checkMembers(text);
  return value;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw invalid('is not UTF-8');
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid('is not JSON');
  }
}

/** What JSON.parse lets pass. `text` is valid JSON, so strings, brackets and colons are all there is to look at. */
function checkMembers(text: string): void {
  const open: Set<string>[] = [];
  for (const [token, string, colon] of text.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|[{}[\]]/g)) {
    if (colon !== undefined) addMember(open.at(-1), JSON.parse(string!));
    else if (token === '{' || token === '[') open.push(new Set());
    else if (token === '}' || token === ']') open.pop();
    if (open.length > DEPTH_MAX) throw invalid(`is nested more than ${DEPTH_MAX} levels deep`);
  }
}

function addMember(names: Set<string> | undefined, name: string): void {
  if (name === '__proto__') throw invalid('has a member named __proto__');
  if (names?.has(name)) throw invalid(`has the member "${printable(name)}" twice in one object`);
  names?.add(name);
}

function invalid(message: string): CustodyError {
  return new CustodyError('format-invalid', message);
}
