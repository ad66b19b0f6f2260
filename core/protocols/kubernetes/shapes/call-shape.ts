/**
 * A call as a shape and its values. Of the shape: verb, resource, whether it has a namespace and a name, parameters, a command's program and
 * the number of its words, and the members of a body. Values, each of which may be open: namespace, name, words, and what stands
 * in the body's members.
 */
import { createHash } from 'node:crypto';
import { CustodyError } from '#core/errors.ts';
import type { SeenCommand, SeenLiteral, UnreadableCommand } from '#core/tasks/seen.ts';
import { COMMAND_MAX_BYTES } from '../../command-parts.ts';
import { type BodyValue, readBody } from '../bodies/read.ts';
import { isList, isObject } from '../bodies/value.ts';
import type { Call } from '../call.ts';
import { callWords } from '../call-words.ts';
import { type CallText, callText } from '../exact/call-text.ts';
import { textOfCall } from '../exact/text-of-call.ts';
import type { JudgedBody } from '../judge.ts';

/** Undefined: the body is needed, and was not given. */
export function seenCall(call: Call, body?: JudgedBody): SeenCommand | UnreadableCommand | undefined {
  try {
    const text = textOfCall(call, body);
    if (text === undefined) return undefined;
    // It would stand for the call itself, and does nothing.
    if (isTry(call, body)) return { text: callWords(call), why: 'is a try without effect (dryRun)' };
    if (Buffer.byteLength(callText(text)) > COMMAND_MAX_BYTES)
      return { text: callWords(call), why: `is longer than ${COMMAND_MAX_BYTES} bytes` };
    return shapeOf(text);
  } catch (thrown) {
    if (!(thrown instanceof CustodyError)) throw thrown;
    return { text: callWords(call), why: `cannot be named: ${thrown.message}` };
  }
}

function isTry(call: Call, body: JudgedBody | undefined): boolean {
  if (call.query.has('dryRun')) return true;
  // Of a deletion its options may say so.
  if (call.kind === 'path' || !call.verb.startsWith('delete') || !body?.bytes.length) return false;
  const read = readBody(body.bytes, body.type, body.encoding);
  return read.kind !== 'read' || (isObject(read.value) && read.value['dryRun'] !== undefined);
}

/** The text with `$1`, `$2` … for its values, its shape, and the values. */
export function shapeOf(text: CallText): SeenCommand {
  const values: SeenLiteral[] = [];
  const open = filledBy(text, (value, isWord) => {
    values.push(isWord ? { kind: 'any', text: String(value) } : literalOf(value));
    return `$${values.length}`;
  });
  const shown = callText(open);
  const shape = createHash('sha256')
    .update(JSON.stringify(['call', shown]))
    .digest('hex');
  return { shape, text: shown, values };
}

export type Leaf = string | number | boolean;

/** `isWord`: a namespace, a name or a word of a command, and so a text whose type whoever reads it chooses. */
type Fill = (value: Leaf, isWord: boolean) => Leaf;

/** The same call with other values at its places, in their order: by `fill`, which is asked for each. */
export function filledBy(text: CallText, fill: Fill): CallText {
  const { place, carries, what } = text;
  const word = (value: string): string => (value === '' ? '' : String(fill(value, true)));
  const filled =
    place === undefined ? {} : { place: { namespace: word(place.namespace), name: word(place.name) } };
  if (carries === undefined) return { ...text, ...filled };
  // The program itself is never open.
  const [program, ...words] = isExec(what) && isList(carries) ? carries : [];
  const after =
    program === undefined
      ? leavesOf(carries, fill)
      : [program, ...words.map((one) => leavesOf(one, fill, true))];
  return { ...text, ...filled, carries: after };
}

export function isExec(what: string): boolean {
  return what.endsWith('/exec');
}

/** In the order of the canonical text. Null is part of the shape. */
function leavesOf(value: BodyValue, fill: Fill, isWord = false): BodyValue {
  if (isList(value)) return value.map((one) => leavesOf(one, fill));
  if (value === null) return null;
  if (!isObject(value)) return fill(value, isWord);
  const names = Object.keys(value).toSorted();
  return Object.fromEntries(names.map((name) => [name, leavesOf(value[name]!, fill)]));
}

function literalOf(value: Leaf): SeenLiteral {
  if (typeof value === 'number')
    return { kind: Number.isInteger(value) ? 'integer' : 'number', text: String(value) };
  if (typeof value === 'boolean') return { kind: 'boolean', text: String(value) };
  return { kind: 'text', text: value };
}
