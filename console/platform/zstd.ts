/** zstd as WebAssembly: one context, one call at a time into memory that is used again. */
import { wasm } from 'zstd-wasm';

/** What `zstddec` was compiled to. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  ZSTD_createDCtx(): number;
  ZSTD_freeDCtx(context: number): number;
  ZSTD_decompressStream(context: number, output: number, input: number): number;
  malloc(bytes: number): number;
  free(at: number): void;
}

/** `ZSTD_isError`: errors are the last numbers of a size_t. */
const ERRORS_FROM = -120;
/** `ZSTD_inBuffer`, `ZSTD_outBuffer`: address, size, position. */
const BUFFER_BYTES = 12;

/** zstd_errors.h: numbers are stable, and node names them like this. */
const ERRORS: ReadonlyMap<number, string> = new Map([
  [1, 'GENERIC'],
  [10, 'prefix_unknown'],
  [12, 'version_unsupported'],
  [14, 'frameParameter_unsupported'],
  [16, 'frameParameter_windowTooLarge'],
  [20, 'corruption_detected'],
  [22, 'checksum_wrong'],
  [24, 'literals_headerWrong'],
  [30, 'dictionary_corrupted'],
  [32, 'dictionary_wrong'],
  [44, 'tableLog_tooLarge'],
  [46, 'maxSymbolValue_tooLarge'],
  [48, 'maxSymbolValue_tooSmall'],
  [60, 'stage_wrong'],
  [62, 'init_missing'],
  [64, 'memory_allocation'],
  [66, 'workSpace_tooSmall'],
  [70, 'dstSize_tooSmall'],
  [72, 'srcSize_wrong'],
  [74, 'dstBuffer_null'],
  [80, 'noForwardProgress_destFull'],
  [82, 'noForwardProgress_inputEmpty'],
]);

/** What one call read and wrote. */
export interface Done {
  readonly read: number;
  readonly written: number;
  /** A frame is complete, and all of it is written. */
  readonly isWhole: boolean;
}

export interface Zstd {
  run(input: Uint8Array, output: Uint8Array): Done | { readonly error: string };
  close(): void;
}

let exports: Exports | undefined;

/** Has to resolve before the first `openZstd`: browsers compile on their own time. */
export async function loadZstd(): Promise<void> {
  const bytes = Uint8Array.from(atob(wasm), (character) => character.charCodeAt(0));
  const env = { emscripten_notify_memory_growth: () => undefined };
  const { instance } = await WebAssembly.instantiate(bytes, { env });
  exports = instance.exports as unknown as Exports;
}

export function openZstd(): Zstd {
  if (exports === undefined) throw new Error('loadZstd was not called');
  return new Context(exports);
}

class Context implements Zstd {
  readonly #zstd: Exports;
  readonly #context: number;
  readonly #buffers: number;
  #room = 0;
  #at = 0;

  constructor(zstd: Exports) {
    this.#zstd = zstd;
    this.#context = zstd.ZSTD_createDCtx();
    this.#buffers = zstd.malloc(2 * BUFFER_BYTES);
  }

  run(input: Uint8Array, output: Uint8Array) {
    const from = this.#memory(input.byteLength + output.byteLength);
    const to = from + input.byteLength;
    new Uint8Array(this.#zstd.memory.buffer).set(input, from);
    const [inAt, outAt] = [this.#buffers, this.#buffers + BUFFER_BYTES];
    this.#describe(inAt, from, input.byteLength);
    this.#describe(outAt, to, output.byteLength);
    const result = this.#zstd.ZSTD_decompressStream(this.#context, outAt, inAt);
    if (result < 0 && result > ERRORS_FROM) return { error: `ZSTD_error_${ERRORS.get(-result) ?? -result}` };
    const written = this.#position(outAt);
    output.set(new Uint8Array(this.#zstd.memory.buffer, to, written));
    return { read: this.#position(inAt), written, isWhole: result === 0 };
  }

  close(): void {
    this.#zstd.free(this.#at);
    this.#zstd.free(this.#buffers);
    this.#zstd.ZSTD_freeDCtx(this.#context);
  }

  #memory(bytes: number): number {
    if (bytes <= this.#room) return this.#at;
    this.#zstd.free(this.#at);
    this.#at = this.#zstd.malloc(bytes);
    if (this.#at === 0) throw new RangeError('the browser has no memory left');
    this.#room = bytes;
    return this.#at;
  }

  #describe(buffer: number, at: number, size: number): void {
    new Uint32Array(this.#zstd.memory.buffer, buffer, 3).set([at, size, 0]);
  }

  #position(buffer: number): number {
    return new Uint32Array(this.#zstd.memory.buffer, buffer, 3)[2]!;
  }
}
