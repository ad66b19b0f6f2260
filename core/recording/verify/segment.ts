import { type KeyObject, verify } from 'node:crypto';
import { asCustodyError } from '../../errors.ts';
import { type Head, headSchema, SEGMENT_FILE_MAX_BYTES } from '../format.ts';
import { segmentName } from '../layout.ts';
import { readFrames, type SegmentParts, splitSegment } from '../read.ts';
import { parseStrictJson } from './json.ts';
import type { Objects } from './objects.ts';
import type { Report } from './report.ts';
import { sha256Hex } from './signer.ts';
import { firstIssue } from './statement.ts';

/** What a segment is held against. */
export interface SegmentContext {
  readonly number: number;
  readonly session: string | undefined;
  readonly recorder: KeyObject | undefined;
  /** Name and SHA-256 of the file before it in the chain; undefined when that one is missing. */
  readonly previous: ChainLink | undefined;
  /** Time of the last frame before this segment, microseconds. */
  readonly lastTimeUs: number;
}

export interface ChainLink {
  readonly name: string;
  readonly sha256: string;
}

/** What a segment holds, as far as it could be read. */
export interface SegmentResult {
  readonly link: ChainLink;
  readonly head?: Head;
  /** Absent when the content does not decode to its end. */
  readonly counts?: FrameCounts;
}

export interface FrameCounts {
  readonly frames: number;
  readonly bytes: number;
  readonly lastTimeUs: number;
}

/** Checks one segment file (FORMAT.md, verifier steps 4 and 5). */
export async function verifySegment(
  context: SegmentContext,
  objects: Objects,
  report: Report,
): Promise<SegmentResult | undefined> {
  const name = segmentName(context.number);
  const segment = await objects.read(name, SEGMENT_FILE_MAX_BYTES);
  if (segment === undefined) return undefined;
  const link = { name, sha256: sha256Hex(segment) };
  const parts = takeApart(name, segment, report);
  if (parts === undefined) return { link };
  checkHeadSignature(name, parts, context.recorder, report);
  const counts = countFrames(name, segment, context.lastTimeUs, report);
  const head = parseHead(name, parts.head, report);
  if (head === undefined) return { link };
  checkPlace(name, head, context, report);
  checkContent(name, head, parts.content, report);
  if (counts === undefined) return { link, head };
  checkCounts(name, head, counts, report);
  return { link, head, counts };
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
  recorder: KeyObject | undefined,
  report: Report,
): void {
  if (recorder === undefined || verify(null, parts.head, recorder, parts.signature)) return;
  const message = `the head of ${name} is not signed by the recorder key that open.json names`;
  report('head-signature-invalid', name, message);
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

function checkContent(name: string, head: Head, content: Uint8Array, report: Report): void {
  if (head.content !== content.length) {
    const message = `${name} holds ${content.length} bytes of content, but its head says ${head.content}`;
    report('content-length-mismatch', name, message);
  }
  const sha256 = sha256Hex(content);
  if (head.sha256 !== sha256) {
    const message = `the content of ${name} has SHA-256 ${sha256}, but its head says ${head.sha256}`;
    report('content-hash-mismatch', name, message);
  }
}

function countFrames(
  name: string,
  segment: Uint8Array,
  notBeforeUs: number,
  report: Report,
): FrameCounts | undefined {
  let frames = 0;
  let bytes = 0;
  let lastTimeUs = notBeforeUs;
  try {
    for (const frame of readFrames(segment, notBeforeUs)) {
      frames += 1;
      bytes += frame.payload.length;
      lastTimeUs = frame.timeUs;
    }
  } catch (thrown) {
    const what = asCustodyError(thrown).message;
    report('content-invalid', name, `the content of ${name} breaks the format at frame ${frames}: ${what}`);
    return undefined;
  }
  if (frames === 0) report('segment-empty', name, `${name} holds no frames`);
  return { frames, bytes, lastTimeUs };
}

function checkCounts(name: string, head: Head, counts: FrameCounts, report: Report): void {
  if (head.frames !== counts.frames) {
    report(
      'frames-mismatch',
      name,
      `${name} holds ${counts.frames} frames, but its head says ${head.frames}`,
    );
  }
  if (head.bytes !== counts.bytes) {
    const message = `${name} holds ${counts.bytes} payload bytes, but its head says ${head.bytes}`;
    report('bytes-mismatch', name, message);
  }
}
