import { constants, zstdDecompressSync } from 'node:zlib';
import { CustodyError } from '../errors.ts';
import { BlockDecompressor, WINDOW_LOG_MAX } from './block-decompressor.ts';
import { BLOCK_MAX_BYTES, SEGMENT_MAX_BYTES } from './format.ts';

/** One decompressed block and where its zstd frame lies in the content. */
export interface Block {
  readonly index: number;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

const ZSTD_MAGIC = 0xfd2fb528;
const BLOCK_HEADER_BYTES = 3;
const RLE_BLOCK = 1;
const RESERVED_BLOCK = 3;

/**
 * Decompresses a segment's content block by block. Each zstd frame (RFC 8878) is measured by walking its block
 * headers before any of it is decompressed, so that nothing but whole, plain frames ever reaches zstd, and no more
 * than 4 MiB a block and 64 MiB in all ever comes out.
 * Throws CustodyError `format-invalid` on the first byte that breaks FORMAT.md.
 */
export function* readBlocks(content: Uint8Array): Generator<Block, void, undefined> {
  const zstd = new BlockDecompressor();
  try {
    yield* blocksOf(content, zstd);
  } finally {
    zstd.close();
  }
}

function* blocksOf(content: Uint8Array, zstd: BlockDecompressor): Generator<Block, void, undefined> {
  let offset = 0;
  let total = 0;
  for (let index = 0; offset < content.length; index++) {
    const where = `block ${index} at byte ${offset}`;
    const { end, declared } = measureFrame(content, offset, where);
    const frame = content.subarray(offset, end);
    const bytes = zstd.decompress(frame, declared);
    if (bytes === undefined) throw refusalOf(frame, where);
    total += bytes.length;
    if (total > SEGMENT_MAX_BYTES) {
      throw invalid(`${where} takes the segment beyond ${SEGMENT_MAX_BYTES} decompressed bytes`);
    }
    yield { index, offset, bytes };
    offset = end;
  }
}

interface FrameExtent {
  readonly end: number;
  /** The decompressed size as the frame declares it: believed only as far as the limit. */
  readonly declared: number | undefined;
}

function measureFrame(content: Uint8Array, start: number, where: string): FrameExtent {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  try {
    const header = readFrameHeader(view, start, where);
    const end = skipBlocks(view, header.end, where) + header.checksumBytes;
    if (end > content.length) throw new RangeError();
    return { end, declared: header.declared };
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    throw invalid(`${where} is cut off: the content ends at byte ${content.length}`);
  }
}

/** Frame_Header, RFC 8878 section 3.1.1.1. */
function readFrameHeader(view: DataView, start: number, where: string) {
  const magic = view.getUint32(start, true);
  if (magic !== ZSTD_MAGIC) throw invalid(notAFrame(magic, where));
  const descriptor = view.getUint8(start + 4);
  const singleSegment = (descriptor & 0x20) !== 0;
  if ((descriptor & 0x08) !== 0) throw invalid(`${where} sets a reserved bit of the zstd frame header`);
  if ((descriptor & 0x03) !== 0) throw invalid(`${where} uses a dictionary`);
  const sizeAt = start + (singleSegment ? 5 : 6);
  if (!singleSegment) checkWindow(view.getUint8(start + 5), where);
  const { bytes, declared } = readContentSize(view, sizeAt, descriptor >> 6, singleSegment);
  if (declared !== undefined && declared > BLOCK_MAX_BYTES) {
    throw invalid(`${where} declares ${declared} decompressed bytes, more than ${BLOCK_MAX_BYTES}`);
  }
  return { end: sizeAt + bytes, declared, checksumBytes: (descriptor & 0x04) === 0 ? 0 : 4 };
}

function notAFrame(magic: number, where: string): string {
  const hex = `0x${magic.toString(16).padStart(8, '0')}`;
  const skippable = magic >>> 4 === 0x0184d2a5;
  return skippable
    ? `${where} is a skippable frame (magic ${hex}), which content must not hold`
    : `${where} is not a zstd frame (magic ${hex})`;
}

function checkWindow(windowDescriptor: number, where: string): void {
  const base = 2 ** (10 + (windowDescriptor >> 3));
  const window = base + (base / 8) * (windowDescriptor & 7);
  if (window > 2 ** WINDOW_LOG_MAX) throw invalid(`${where} asks for a window of ${window} bytes`);
}

/** Frame_Content_Size, RFC 8878 section 3.1.1.1.4. */
function readContentSize(view: DataView, at: number, flag: number, singleSegment: boolean) {
  if (flag === 0)
    return singleSegment ? { bytes: 1, declared: view.getUint8(at) } : { bytes: 0, declared: undefined };
  if (flag === 1) return { bytes: 2, declared: view.getUint16(at, true) + 256 };
  if (flag === 2) return { bytes: 4, declared: view.getUint32(at, true) };
  return { bytes: 8, declared: Number(view.getBigUint64(at, true)) };
}

/** Walks Data_Blocks (RFC 8878 section 3.1.1.2) to the byte after the last one. */
function skipBlocks(view: DataView, start: number, where: string): number {
  let at = start;
  for (;;) {
    const header = view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
    const type = (header >> 1) & 3;
    if (type === RESERVED_BLOCK) throw invalid(`${where} holds a zstd block of the reserved type`);
    at += BLOCK_HEADER_BYTES + (type === RLE_BLOCK ? 1 : header >> 3);
    if ((header & 1) === 1) return at;
  }
}

/** Why zstd refuses a frame: asked once, of a decoder that says it. */
function refusalOf(frame: Uint8Array, where: string): CustodyError {
  try {
    zstdDecompressSync(frame, {
      maxOutputLength: BLOCK_MAX_BYTES,
      params: { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG_MAX },
    });
    return invalid(`${where} is damaged`);
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'nothing';
    if (code === 'ERR_BUFFER_TOO_LARGE') {
      return invalid(`${where} decompresses to more than ${BLOCK_MAX_BYTES} bytes`);
    }
    return invalid(`${where} is damaged: zstd says ${code}`);
  }
}

function invalid(message: string): CustodyError {
  return new CustodyError('format-invalid', message);
}
