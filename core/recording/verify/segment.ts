import { asCustodyError } from '../../errors.ts';
import { type Head, headSchema, SEGMENT_FILE_MAX_BYTES } from '../format.ts';
import { segmentName } from '../layout.ts';
import { type RecordedFrame, readFrames, type SegmentParts, splitSegment } from '../read.ts';
import { isVouched, type VouchingKeys } from '../vouched.ts';
import { parseStrictJson } from './json.ts';
import type { Objects } from './objects.ts';
import type { Report } from './report.ts';
import type { Sha256 } from './signer.ts';
import { firstIssue } from './statement.ts';

/** What a segment is held against. */
export interface SegmentContext {
  readonly number: number;
  readonly session: string | undefined;
  /** Undefined where nobody vouches for them. */
  readonly keys: VouchingKeys | undefined;
  /** Name and SHA-256 of the file before it in the chain; undefined when that one is missing. */
  readonly previous: ChainLink | undefined;
  /** Time of the last frame before this segment, microseconds. */
  readonly lastTimeUs: number;
  readonly sha256: Sha256;
}

export interface ChainLink {
  readonly name: string;
  readonly sha256: string;
}

/** What a segment holds, as far as it could be read. */
export interface SegmentResult {
  readonly link: ChainLink;
  readonly head?: Head;
  /** It was recovered: a manifest vouches for it. */
  readonly isUnderManifest?: boolean;
  /** Absent when the head is not signed, or the content is another, or does not decode to exactly what it counts. */
  readonly counts?: FrameCounts;
}

export interface FrameCounts {
  readonly frames: number;
  readonly bytes: number;
  readonly lastTimeUs: number;
}

/** Frames in their order, a few at a time: at most one block beyond BATCH_BYTES. */
export type Frames = readonly RecordedFrame[];

const BATCH_FRAMES = 1_024;
const BATCH_BYTES = 1 << 20;

/**
 * Checks one segment file (FORMAT.md, verifier steps 4 and 5). What is cheap comes first: content is decompressed only under
 * a head that the session's keys vouch for and whose hash it has, and no further than that head counts. What other content would
 * decode to is nobody's word, and decoders of zstd differ about it. Gives its frames as they are counted: they
 * are what was recorded if nothing was reported before them.
 */
export async function* verifySegment(
  context: SegmentContext,
  objects: Objects,
  report: Report,
): AsyncGenerator<Frames, SegmentResult | undefined, undefined> {
  const name = segmentName(context.number);
  const segment = await objects.read(name, SEGMENT_FILE_MAX_BYTES);
  if (segment === undefined) return undefined;
  const link = { name, sha256: await context.sha256(segment) };
  const parts = takeApart(name, segment, report);
  if (parts === undefined) return { link };
  const isSigned = checkHeadSignature(name, parts, context.keys, report);
  const head = parseHead(name, parts.head, report);
  if (head === undefined) return { link };
  checkPlace(name, head, context, report);
  const isItsContent = checkContent(name, head, parts.content, await context.sha256(parts.content), report);
  const found = { link, head, isUnderManifest: parts.manifest !== undefined };
  if (!isSigned || !isItsContent) return found;
  const counts = yield* countFrames(name, segment, head, context.lastTimeUs, report);
  if (counts === undefined) return found;
  checkUntil(name, head, counts, report);
  return { ...found, counts };
}

function takeApart(name: string, segment: Uint8Array, report: Report): SegmentParts | undefined {
  try {
    return splitSegment(segment);
  } catch (thrown) {
    report('segment-malformed', name, `${name} is not a segment: ${asCustodyError(thrown).message}`);
    return undefined;
  }
}

function checkHeadSignature(
  name: string,
  parts: SegmentParts,
  keys: VouchingKeys | undefined,
  report: Report,
): boolean {
  if (keys === undefined) return false;
  if (isVouched(parts, keys)) return true;
  const message =
    parts.manifest === undefined
      ? `the head of ${name} is not signed by the recorder key that open.json names`
      : `the head of ${name} is in no manifest that the journal key that open.json names has signed`;
  report('head-signature-invalid', name, message);
  return false;
}

/** 440 bytes: one line of JSON, spaces, one line feed. */
function parseHead(name: string, bytes: Uint8Array, report: Report): Head | undefined {
  const text = /^(\{[^\n]*\}) *\n$/.exec(Buffer.from(bytes).toString('latin1'))?.[1];
  if (text === undefined) {
    report('segment-malformed', name, `the head of ${name} is not one line of JSON filled up with spaces`);
    return undefined;
  }
  try {
    const parsed = headSchema.safeParse(parseStrictJson(bytes.subarray(0, text.length)));
    if (parsed.success) return parsed.data;
    report('segment-malformed', name, `the head of ${name} is malformed: ${firstIssue(parsed.error)}`);
  } catch (thrown) {
    report('segment-malformed', name, `the head of ${name} ${asCustodyError(thrown).message}`);
  }
  return undefined;
}

/** The session, the number, and the link to the file before. */
function checkPlace(name: string, head: Head, context: SegmentContext, report: Report): void {
  if (context.session !== undefined && head.session !== context.session) {
    const message = `the head of ${name} names session ${head.session}, expected ${context.session}`;
    report('session-mismatch', name, message);
  }
  if (head.segment !== context.number) {
    const message = `the head of ${name} says it is segment ${head.segment}, expected ${context.number}`;
    report('head-number-mismatch', name, message);
  }
  const { previous } = context;
  if (previous !== undefined && head.previous !== previous.sha256) {
    const message = `${name} follows a file with SHA-256 ${head.previous}, but ${previous.name} has ${previous.sha256}`;
    report('previous-hash-mismatch', name, message);
  }
}

function checkContent(
  name: string,
  head: Head,
  content: Uint8Array,
  sha256: string,
  report: Report,
): boolean {
  if (head.content !== content.length) {
    const message = `${name} holds ${content.length} bytes of content, but its head says ${head.content}`;
    report('content-length-mismatch', name, message);
  }
  if (head.sha256 !== sha256) {
    const message = `the content of ${name} has SHA-256 ${sha256}, but its head says ${head.sha256}`;
    report('content-hash-mismatch', name, message);
  }
  return head.content === content.length && head.sha256 === sha256;
}

/** Counts what the content holds, and stops where that is more than the head says: then the rest is nobody's word. */
function* countFrames(
  name: string,
  segment: Uint8Array,
  head: Head,
  notBeforeUs: number,
  report: Report,
): Generator<Frames, FrameCounts | undefined, undefined> {
  const batch = new Batch();
  let frames = 0;
  let bytes = 0;
  let lastTimeUs = notBeforeUs;
  try {
    for (const frame of readFrames(segment, notBeforeUs)) {
      frames += 1;
      bytes += frame.payload.length;
      lastTimeUs = frame.timeUs;
      if (frames > head.frames || bytes > head.bytes) break;
      if (batch.add(frame)) yield batch.take();
    }
    yield batch.take();
  } catch (thrown) {
    yield batch.take();
    const what = asCustodyError(thrown).message;
    report('content-invalid', name, `the content of ${name} breaks the format at frame ${frames}: ${what}`);
    return undefined;
  }
  if (frames === 0) report('segment-empty', name, `${name} holds no frames`);
  checkCounts(name, head, { frames, bytes }, report);
  const isCut = frames > head.frames || bytes > head.bytes;
  return isCut ? undefined : { frames, bytes, lastTimeUs };
}

class Batch {
  #frames: RecordedFrame[] = [];
  #bytes = 0;

  /** True when it is full. */
  add(frame: RecordedFrame): boolean {
    this.#frames.push(frame);
    this.#bytes += frame.payload.length;
    return this.#frames.length >= BATCH_FRAMES || this.#bytes >= BATCH_BYTES;
  }

  take(): Frames {
    const frames = this.#frames;
    [this.#frames, this.#bytes] = [[], 0];
    return frames;
  }
}

type Counts = Pick<FrameCounts, 'frames' | 'bytes'>;

function checkCounts(name: string, head: Head, counts: Counts, report: Report): void {
  const isCut = counts.frames > head.frames || counts.bytes > head.bytes;
  for (const what of ['frames', 'bytes'] as const) {
    const [found, said] = [counts[what], head[what]];
    if (found === said || (isCut && found < said)) continue;
    const holds = found > said ? `more than ${said}` : `${found}`;
    const unit = what === 'bytes' ? 'payload bytes' : 'frames';
    report(`${what}-mismatch`, name, `${name} holds ${holds} ${unit}, but its head says ${said}`);
  }
}

/** A recording that is complete up to a moment has no frame after it. */
function checkUntil(name: string, { until }: Head, { lastTimeUs }: FrameCounts, report: Report): void {
  if (until >= lastTimeUs) return;
  const message = `${name} holds a frame of ${lastTimeUs} microseconds, but its head says that it goes up to ${until}`;
  report('until-mismatch', name, message);
}
