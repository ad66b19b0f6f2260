/** A file of the console, compressed when it is asked for first, and kept so. */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { ConsoleFile } from './build.ts';
import type { Encoding, WireFile } from './serving.ts';

const ETAG_BYTES = 16;

/** `quality`: of brotli, to 11: what is compressed once and sent often may take its time. */
export function compressed({ bytes, type, isImmutable }: ConsoleFile, quality: number): WireFile {
  const kept = new Map<Encoding, Promise<Uint8Array>>();
  return {
    type,
    isImmutable,
    etag: etagOf(bytes),
    bytes: (encoding) => {
      const made = kept.get(encoding) ?? encoded(bytes, encoding, quality);
      kept.set(encoding, made);
      return made;
    },
  };
}

export function etagOf(bytes: Uint8Array): string {
  const digest = createHash('sha256').update(bytes).digest().subarray(0, ETAG_BYTES);
  return `W/"${digest.toString('base64url')}"`;
}

/** By threads of Node's own: nobody waits for it but who asked. */
async function encoded(bytes: Uint8Array, encoding: Encoding, quality: number): Promise<Uint8Array> {
  switch (encoding) {
    case 'br':
      return promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: quality } });
    case 'gzip':
      return promisify(gzip)(bytes, { level: 9 });
    case 'identity':
      return bytes;
  }
}
