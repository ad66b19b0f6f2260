/** How a command ended, as the channel `error` says it. */
import { isJsonObject, parseJsonBytes } from '#core/json.ts';

/** A Status of a command's end has some 300 bytes. */
export const STATUS_MAX = 16 << 10;

/** Of all that came on the channel, from v4 on a `Status`: 0 for Success; undefined where it says no exit status. */
export function exitCodeOf(bytes: Uint8Array): number | undefined {
  const status = parsed(bytes);
  if (!isJsonObject(status)) return undefined;
  if (status['status'] === 'Success') return 0;
  const { details } = status;
  if (status['reason'] !== 'NonZeroExitCode' || !isJsonObject(details)) return undefined;
  const causes: readonly unknown[] = Array.isArray(details['causes']) ? details['causes'] : [];
  const cause = causes.filter(isJsonObject).find(({ reason }) => reason === 'ExitCode');
  const code = cause?.['message'];
  return typeof code === 'string' && /^\d{1,3}$/.test(code) && Number(code) < 256 ? Number(code) : undefined;
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return parseJsonBytes(bytes, STATUS_MAX);
  } catch {
    return undefined;
  }
}
