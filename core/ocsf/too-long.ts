import { asCustodyError, CustodyError } from '../errors.ts';
import { parseJsonBytes } from '../json.ts';
import { closeStatementSchema, STATEMENT_MAX_BYTES } from '../recording/format.ts';
import { CLOSE, objectKey } from '../recording/layout.ts';
import type { RecordingSource } from '../recording/ports.ts';

/**
 * Rejects with `unsupported` where a session says at its end that more was recorded than this many bytes: whoever has to be done within a
 * time does not begin what they cannot end. What cannot be read is judged by who reads the whole.
 */
export async function refuseTooLong(
  session: string,
  store: RecordingSource,
  maxBytes: number,
): Promise<void> {
  const close = await closeOf(session, store);
  if (close === undefined || close.bytes <= maxBytes) return;
  throw new CustodyError('unsupported', `session ${session} is too long to be indexed here`, {
    hint: tooLongHint(session),
    detail: `${close.bytes} bytes were recorded, and ${maxBytes} are done in time`,
  });
}

/** What has no limit. */
export function tooLongHint(session: string): string {
  return `custody pull ${session} --out FOLDER, then custody steps FOLDER`;
}

async function closeOf(session: string, store: RecordingSource) {
  try {
    const bytes = await store.get(objectKey(session, CLOSE), STATEMENT_MAX_BYTES);
    return closeStatementSchema.safeParse(parseJsonBytes(bytes, STATEMENT_MAX_BYTES)).data;
  } catch (thrown) {
    if (asCustodyError(thrown).code === 'store-unavailable') throw thrown;
    return undefined;
  }
}
