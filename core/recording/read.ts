import { CustodyError } from '../errors.ts';
import {
  FLAG_WITHHELD,
  FRAME_HEADER_BYTES,
  FRAME_MAX_PAYLOAD,
  HEAD_BYTES,
  MANIFEST_HEADER_BYTES,
  MANIFEST_MAGIC,
  MANIFEST_MAX_BYTES,
  SIGNATURE_BYTES,
  SKIPPABLE_MAGIC,
  type StreamName,
  TRAILER_BYTES,
} from './format.ts';
import { type Block, readBlocks } from './read-blocks.ts';
import type { VouchedHead } from './vouched.ts';

/** One frame of a recording, as FORMAT.md lays it out. */
export interface RecordedFrame {
  readonly stream: StreamName;
  /** The payload was secret: zeros of the same number stand for it. */
  readonly withheld: boolean;
  /** Microseconds since the session's `startedAt`, on a monotonic clock. */
  readonly timeUs: number;
  /** A view into the decompressed block, which nobody else holds. */
  readonly payload: Uint8Array;
}

/** The parts of a segment file; views, not copies. */
export interface SegmentParts extends VouchedHead {
  readonly content: Uint8Array;
}

/** By their number on disk. */
const streamNames: readonly StreamName[] = ['client', 'target', 'gateway', 'note'];

/** Takes a segment file apart. Throws CustodyError `format-invalid` when it does not end in a trailer. */
export function splitSegment(segment: Uint8Array): SegmentParts {
  const trailerAt = segment.length - TRAILER_BYTES;
  if (trailerAt < 0) {
    throw invalid(`it is ${segment.length} bytes long, less than the ${TRAILER_BYTES} of a trailer`);
  }
  const view = new DataView(segment.buffer, segment.byteOffset, segment.byteLength);
  const size = HEAD_BYTES + SIGNATURE_BYTES;
  if (view.getUint32(trailerAt, true) !== SKIPPABLE_MAGIC || view.getUint32(trailerAt + 4, true) !== size) {
    throw invalid(`its last ${TRAILER_BYTES} bytes are not a trailer`);
  }
  const headAt = trailerAt + 8;
  const trailer = {
    head: segment.subarray(headAt, headAt + HEAD_BYTES),
    signature: segment.subarray(headAt + HEAD_BYTES),
  };
  const contentAt = manifestEnd(view, trailerAt);
  if (contentAt === 0) return { ...trailer, content: segment.subarray(0, trailerAt) };
  const manifest = segment.subarray(MANIFEST_HEADER_BYTES, contentAt);
  return { ...trailer, manifest, content: segment.subarray(contentAt, trailerAt) };
}

/** Where the manifest at the segment's beginning ends; 0 where there is none. */
function manifestEnd(view: DataView, before: number): number {
  if (before < MANIFEST_HEADER_BYTES || view.getUint32(0, true) !== MANIFEST_MAGIC) return 0;
  const bytes = view.getUint32(4, true);
  const room = Math.min(before - MANIFEST_HEADER_BYTES, MANIFEST_MAX_BYTES);
  if (bytes > room) throw invalid(`its manifest claims ${bytes} bytes, but there can be only ${room}`);
  return MANIFEST_HEADER_BYTES + bytes;
}

/**
 * The frames of one segment file, in order, decompressing one block (at most 4 MiB) at a time. It checks the form
 * and not the signature: that is `verifyEvidence`. `notBeforeUs` is the time of the frame before this segment.
 * Throws CustodyError `format-invalid` on the first byte that breaks FORMAT.md, after yielding the frames before it.
 */
export function* readFrames(segment: Uint8Array, notBeforeUs = 0): Generator<RecordedFrame, void, undefined> {
  yield* readContent(splitSegment(segment).content, notBeforeUs);
}

/** As `readFrames`, of content without its trailer, or of whole blocks of it. */
export function* readContent(
  content: Uint8Array,
  notBeforeUs: number,
): Generator<RecordedFrame, void, undefined> {
  let before = notBeforeUs;
  for (const block of readBlocks(content)) {
    for (const frame of framesOf(block, before)) {
      before = frame.timeUs;
      yield frame;
    }
  }
}

function* framesOf(block: Block, notBeforeUs: number): Generator<RecordedFrame, void, undefined> {
  if (block.bytes.length === 0) throw invalid(`block ${block.index} at byte ${block.offset} holds no frame`);
  const view = new DataView(block.bytes.buffer, block.bytes.byteOffset, block.bytes.byteLength);
  let before = notBeforeUs;
  for (let at = 0; at < view.byteLength; ) {
    const fault = (what: string) => invalid(`the frame at byte ${at} of block ${block.index} ${what}`);
    const frame = decodeFrame(view, at, fault);
    if (frame.timeUs < before) {
      throw fault(`has time ${frame.timeUs}, which is before ${before} of the frame before it`);
    }
    before = frame.timeUs;
    at += FRAME_HEADER_BYTES + frame.payload.length;
    yield frame;
  }
}

/** An error that says which frame it is about. */
type Fault = (what: string) => CustodyError;

/** Decodes the frame that begins at `at`; FORMAT.md, "Frames". */
function decodeFrame(view: DataView, at: number, fault: Fault): RecordedFrame {
  const room = view.byteLength - at - FRAME_HEADER_BYTES;
  if (room < 0) throw fault('has a header that goes beyond its block');
  const length = view.getUint32(at, true);
  if (length > FRAME_MAX_PAYLOAD) throw fault(`claims ${length} bytes, more than ${FRAME_MAX_PAYLOAD}`);
  if (length > room) throw fault(`claims ${length} bytes, but its block holds only ${room} more`);
  const stream = streamNames[view.getUint8(at + 4)];
  if (stream === undefined) throw fault(`is of unknown stream ${view.getUint8(at + 4)}`);
  const withheld = readFlags(view, at, fault);
  const time = view.getBigUint64(at + 8, true);
  const timeUs = Number(time);
  if (!Number.isSafeInteger(timeUs)) throw fault(`has an impossible time, ${time} microseconds`);
  const payload = new Uint8Array(view.buffer, view.byteOffset + at + FRAME_HEADER_BYTES, length);
  if (withheld && payload.some((byte) => byte !== 0)) throw fault('is withheld but not all zeros');
  return { stream, withheld, timeUs, payload };
}

function readFlags(view: DataView, at: number, fault: Fault): boolean {
  const flags = view.getUint8(at + 5);
  if ((flags & ~FLAG_WITHHELD) !== 0) throw fault(`has unknown flags 0x${flags.toString(16)}`);
  if (view.getUint16(at + 6, true) !== 0) throw fault('has bytes other than zero in its reserved field');
  return (flags & FLAG_WITHHELD) !== 0;
}

function invalid(message: string): CustodyError {
  return new CustodyError('format-invalid', message);
}
