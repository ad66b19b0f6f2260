/** How a command ended, by its error channel. */
import { isJsonObject, parseJsonBytes } from '#core/json.ts';

const MOST = 64 << 10;

/** A Status with the cause `ExitCode`; success is 0. Undefined where it says neither. */
export function exitCodeOf(bytes: Uint8Array): number | undefined {
  const status = read(bytes);
  if (!isJsonObject(status)) return undefined;
  if (status['status'] === 'Success') return 0;
  const details = status['details'];
  const causes = isJsonObject(details) && Array.isArray(details['causes']) ? details['causes'] : [];
  const cause = causes.find((one: unknown) => isJsonObject(one) && one['reason'] === 'ExitCode');
  const code = Number((cause as { message?: unknown } | undefined)?.message);
  return Number.isInteger(code) ? code : undefined;
}

function read(bytes: Uint8Array): unknown {
  try {
    return parseJsonBytes(bytes, MOST);
  } catch {
    return undefined;
  }
}
