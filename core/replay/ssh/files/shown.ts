/** Texts of programs that move files: paths and messages, mostly UTF-8. */
import { pathText, pathWords } from '#core/protocols/ssh/files/file-names.ts';
import type { Shown } from '../../step.ts';

/** Of a path or a name, where more cannot be meant: Linux takes no longer path. */
export const PATH_MAX = 4096;

/** The beginning, cut between characters; where that is not UTF-8, bytes that are not ASCII stand as `\xNN`. */
export function shownBytes(bytes: Uint8Array, limit = PATH_MAX): Shown {
  const kept = bytes.length <= limit ? bytes : bytes.subarray(0, characterEnd(bytes, limit));
  const text = pathWords(kept);
  return {
    text,
    bytes: bytes.length,
    cut: kept.length < bytes.length,
    ...(isText(kept) ? {} : { undecoded: true as const }),
  };
}

export function shownText(text: string, limit = PATH_MAX): Shown {
  return shownBytes(Buffer.from(text), limit);
}

function isText(bytes: Uint8Array): boolean {
  return pathText(bytes) !== undefined || bytes.every((byte) => byte < 0x80);
}

/** The end of the last whole character before `limit`. */
function characterEnd(bytes: Uint8Array, limit: number): number {
  let end = limit;
  while (end > 0 && limit - end < 4 && (bytes[end]! & 0xc0) === 0x80) end -= 1;
  return end;
}
