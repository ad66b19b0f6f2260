/** As much of node:zlib as the verifier uses, for browsers: the stream's handle that BlockDecompressor stands on, and its errors. */
import { openZstd } from './zstd.ts';

export { loadZstd } from './zstd.ts';

/** Of zstd.h. */
export const constants = { ZSTD_e_end: 2, ZSTD_d_windowLogMax: 100 } as const;

/** What node puts out at a time: where it stops for `maxOutputLength` follows from it. */
const CHUNK_BYTES = 16 << 10;

/** Windows are measured by the caller before a frame comes here, so that `params` has nothing to add. */
export function createZstdDecompress(_options: unknown): object {
  const zstd = openZstd();
  const left = new Uint32Array(2);
  const writeSync = (
    _flush: number,
    input: Uint8Array,
    inputAt: number,
    inputLength: number,
    output: Uint8Array,
    outputAt: number,
    outputLength: number,
  ): void => {
    const done = zstd.run(
      input.subarray(inputAt, inputAt + inputLength),
      output.subarray(outputAt, outputAt + outputLength),
    );
    if ('error' in done) return;
    left.set([outputLength - done.written, inputLength - done.read]);
  };
  return { _handle: { writeSync }, _writeState: left, on: () => undefined, destroy: () => zstd.close() };
}

/** Throws what node throws, by its code. */
export function zstdDecompressSync(
  frame: Uint8Array,
  { maxOutputLength }: { readonly maxOutputLength: number },
): Uint8Array {
  const zstd = openZstd();
  const chunks: Uint8Array[] = [];
  let [at, total] = [0, 0];
  try {
    for (;;) {
      const chunk = new Uint8Array(CHUNK_BYTES);
      const done = zstd.run(frame.subarray(at), chunk);
      if ('error' in done) throw coded(done.error);
      at += done.read;
      total += done.written;
      if (total > maxOutputLength) throw coded('ERR_BUFFER_TOO_LARGE');
      chunks.push(chunk.subarray(0, done.written));
      if (done.written === CHUNK_BYTES) continue;
      if (!done.isWhole) throw coded('Z_BUF_ERROR');
      return joined(chunks, total);
    }
  } finally {
    zstd.close();
  }
}

function joined(chunks: readonly Uint8Array[], total: number): Uint8Array {
  const whole = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

function coded(code: string): Error {
  return Object.assign(new Error(code), { code });
}
