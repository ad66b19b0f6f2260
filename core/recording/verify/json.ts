import { CustodyError } from '../../errors.ts';
import { isJsonObject, parseJsonBytes } from '../../json.ts';
import { STATEMENT_MAX_BYTES } from '../format.ts';

const DEPTH_MAX = 16;

/**
 * A statement, a head or a leaf: a JSON object of at most 4352 bytes, at most 16 levels deep, that no two readers read
 * differently. Throws CustodyError `format-invalid`; the message completes "open.json …".
 */
export function parseStrictJson(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  const value = parseJsonBytes(bytes, STATEMENT_MAX_BYTES, DEPTH_MAX);
  if (isJsonObject(value)) return value;
  throw new CustodyError('format-invalid', 'is not a JSON object');
}
