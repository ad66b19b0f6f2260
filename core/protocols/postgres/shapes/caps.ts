import { COMMAND_MAX_BYTES } from '../../command-parts.ts';

/** Nested comments cost the parser their square: 8,000 of them 0.24 s. */
const COMMENTS_MAX = 100;

/** Why a text is not looked at, whatever is in it. */
export function beyondCaps(text: string): string | undefined {
  if (text.length > COMMAND_MAX_BYTES || Buffer.byteLength(text) > COMMAND_MAX_BYTES)
    return `is longer than ${COMMAND_MAX_BYTES >> 10} KiB`;
  if (text.includes('\0') || !text.isWellFormed() || text.includes('\ufffd')) return 'is not text';
  let comments = 0;
  for (let at = text.indexOf('/*'); at >= 0; at = text.indexOf('/*', at + 2))
    if ((comments += 1) > COMMENTS_MAX) return 'has too many comments';
  return undefined;
}
