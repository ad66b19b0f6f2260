import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import { CustodyError } from '#core/errors.ts';
import { CHUNK_MAX_BYTES } from './format.ts';

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);
/** Rows and statements shrink by the factor of level 3 at a third of its time. */
const PARAMS = { [constants.ZSTD_c_compressionLevel]: 1 };

/** Lines as one zstd frame. */
export async function packChunk(lines: string): Promise<Uint8Array> {
  return compress(Buffer.from(lines), { params: PARAMS });
}

/** The lines of a chunk whose hash is known to be right. Throws `format-invalid`. */
export async function unpackChunk(bytes: Uint8Array): Promise<readonly string[]> {
  try {
    const raw = await decompress(bytes, { maxOutputLength: CHUNK_MAX_BYTES });
    const lines = raw.toString('utf8').split('\n');
    if (lines.pop() === '') return lines;
  } catch {
    // Said below, like a last line without its end.
  }
  throw new CustodyError('format-invalid', 'a chunk of the index cannot be read');
}
