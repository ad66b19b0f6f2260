/** The one reader of JSON that others wrote: no two readers may see different things in it. */
import { CustodyError } from './errors.ts';
import { printable } from './printable.ts';

/** Deeper than anything that is exchanged here. */
const DEPTH_MAX = 32;

/**
 * Any JSON text (RFC 8259) in which no object has a name twice, however it is spelt, and none is called `__proto__`, at most
 * `depthMax` levels deep. The caller has bounded its length. Throws `format-invalid`; the message completes "open.json …".
 */
export function parseJson(text: string, depthMax = DEPTH_MAX): unknown {
  const value = parse(text);
  checkMembers(text, depthMax);
  return value;
}

/** As `parseJson`, of at most `atMost` bytes, which are UTF-8 without a byte order mark. */
export function parseJsonBytes(bytes: Uint8Array, atMost: number, depthMax = DEPTH_MAX): unknown {
  if (bytes.length > atMost) throw invalid(`is ${bytes.length} bytes long, more than ${atMost}`);
  return parseJson(decodeUtf8(bytes), depthMax);
}

/** True for a JSON object, which is neither null nor an array. */
export function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** It keeps nothing from one text to the next. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
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

/**
 * What JSON.parse lets pass. `text` is valid JSON, so strings, brackets and colons are all there is to look at. It goes
 * through the text once: a regular expression over strings would need a stack as long as they are.
 */
function checkMembers(text: string, depthMax: number): void {
  const open: Set<string>[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"') {
      const end = endOfString(text, at);
      if (isName(text, end)) addMember(open.at(-1), text.slice(at, end));
      at = end - 1;
    } else if (character === '{' || character === '[') open.push(new Set());
    else if (character === '}' || character === ']') open.pop();
    if (open.length > depthMax) throw invalid(`is nested more than ${depthMax} levels deep`);
  }
}

/** The place behind the closing quote of the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end + 1;
}

/** An odd number of backslashes stands before it. */
function isEscaped(text: string, at: number): boolean {
  let before = at - 1;
  while (text[before] === '\\') before -= 1;
  return (at - before) % 2 === 0;
}

/** A string is a member's name when a colon follows. */
function isName(text: string, end: number): boolean {
  let at = end;
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at += 1;
  return text[at] === ':';
}

/** `quoted`: as it stands in the text; "a" and "\u0061" are one name. */
function addMember(names: Set<string> | undefined, quoted: string): void {
  const name = String(JSON.parse(quoted));
  if (name === '__proto__') throw invalid('has a member named __proto__');
  if (names?.has(name)) throw invalid(`has the member "${printable(name)}" twice in one object`);
  names?.add(name);
}

function invalid(message: string): CustodyError {
  return new CustodyError('format-invalid', message);
}
