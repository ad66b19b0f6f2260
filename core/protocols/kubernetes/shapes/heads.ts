/** Heads as the tape has them, from whoever wrote it. */
import { isJsonObject, parseJsonBytes } from '#core/json.ts';
import { type Headers, RECORD_MAX_PAYLOAD } from '../tape.ts';

export interface Head {
  readonly method?: string;
  readonly target?: string;
  readonly status?: number;
  readonly headers: Headers;
}

/** Undefined of what is none. */
export function headOf(payload: Uint8Array): Head | undefined {
  const value = parsed(payload);
  if (!isJsonObject(value)) return undefined;
  const { method, target, status, headers } = value;
  return {
    ...(typeof method === 'string' ? { method } : {}),
    ...(typeof target === 'string' ? { target } : {}),
    ...(typeof status === 'number' ? { status } : {}),
    headers: Array.isArray(headers) ? headers.filter(isHeader) : [],
  };
}

function isHeader(pair: unknown): pair is readonly [string, string] {
  return Array.isArray(pair) && pair.length === 2 && pair.every((one) => typeof one === 'string');
}

function parsed(payload: Uint8Array): unknown {
  try {
    return parseJsonBytes(payload, RECORD_MAX_PAYLOAD);
  } catch {
    return undefined;
  }
}
