import { TRAILER_BYTES } from '#core/recording/format.ts';
import type { JournalEntry } from '#core/recording/ports.ts';

export const SESSION_A = '019aaf3e-6d1c-7a61-9f43-0b9a7c1d2e3f';
export const SESSION_B = '019aaf3e-6d1c-7a61-9f43-0b9a7c1d2e40';

/** An entry whose block is `text` and whose trailer is filled with its first letter. */
export function entry(session: string, segment: number, offset: number, text: string): JournalEntry {
  const trailer = new Uint8Array(TRAILER_BYTES).fill(text.charCodeAt(0));
  return { session, segment, offset, block: Buffer.from(text), trailer };
}
