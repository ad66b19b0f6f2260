/** `Withheld` as records have it: none longer than a record. */
import type { Withheld } from '../../tape.ts';
import type { BodyRead } from '../read.ts';
import type { BodyValue } from '../value.ts';

/** A character may take seven bytes when JSON is in JSON: a record holds that. */
const PIECE = 32 << 10;

/** Of `bytes` bytes that were read. Protobuf fields that have no name here are values like others: marked where they stand. */
export function piecesOf(
  bytes: number,
  read: BodyRead,
  marked: (value: BodyValue) => BodyValue,
): readonly Withheld[] {
  if (read.kind === 'unreadable') return countOf(bytes);
  const shown = JSON.stringify(marked(read.value));
  const pieces: Withheld[] = [];
  for (let at = 0; at < shown.length; at += PIECE) {
    const isLast = at + PIECE >= shown.length;
    pieces.push({
      why: 'secret',
      bytes: at === 0 ? bytes : 0,
      shown: shown.slice(at, at + PIECE),
      ...(isLast ? {} : { more: true }),
    });
  }
  return pieces;
}

/** What cannot be read, or is too long to be held: how much there was. */
export function countOf(bytes: number): readonly Withheld[] {
  return bytes === 0 ? [] : [{ why: 'secret', bytes }];
}
