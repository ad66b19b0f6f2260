/** gzip, as an answer of the API server may have it. */
import { gunzipSync } from 'node:zlib';
import { unreadable } from './value.ts';

/** One gzip stream of at most `atMost` bytes in clear. */
export function gunzip(bytes: Uint8Array, atMost: number): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: atMost });
  } catch {
    throw unreadable('is not gzip, or too long in clear');
  }
}
