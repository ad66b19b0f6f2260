import type { CloseStatement, Head } from '../format.ts';
import { CLOSE, segmentName, segmentNumber } from '../layout.ts';
import type { VouchingKeys } from '../vouched.ts';
import type { Objects } from './objects.ts';
import type { Report } from './report.ts';
import { type ChainLink, type Frames, type SegmentResult, verifySegment } from './segment.ts';
import type { Sha256 } from './signer.ts';

export interface ChainStart {
  readonly session: string | undefined;
  readonly keys: VouchingKeys | undefined;
  /** `open.json`, which segment 0 follows; undefined when it is missing. */
  readonly open: ChainLink | undefined;
  readonly sha256: Sha256;
}

/** What all segments together hold. */
export interface ChainResult {
  readonly segments: number;
  readonly frames: number;
  readonly bytes: number;
  /** False when a segment is missing or could not be read to its end: totals then mean nothing. */
  readonly whole: boolean;
  /** The file the chain ends with; undefined when it is missing. */
  readonly last: ChainLink | undefined;
  readonly lastHead: Head | undefined;
  /** Time of the last frame that was read, microseconds. */
  readonly lastTimeUs: number;
}

/** Frames of segments that hold; or the first fault of the chain, after which it gives none. */
export type ChainPart = { readonly frames: Frames } | { readonly fault: string };

/**
 * Checks segments 0 … n−1 in order, one in memory at a time (FORMAT.md, verifier steps 3 to 5). Without a close
 * statement n is whatever is there. No loop runs over a number that the evidence merely claims.
 */
export async function* verifyChain(
  start: ChainStart,
  close: CloseStatement | undefined,
  objects: Objects,
  report: Report,
): AsyncGenerator<ChainPart, ChainResult, undefined> {
  const watch = new FaultWatch(report);
  const present = presentSegments(objects);
  const expected = close?.segments ?? (present.at(-1) ?? -1) + 1;
  reportUnlisted(present, expected, report);
  const listed = present.filter((number) => number < expected);
  let state = emptyChain(start.open);
  for (const number of listed) {
    if (number > state.next) reportMissing(state.next, number, expected, watch.report);
    const result = yield* watch.unlessFaulty(verifyNext(state, number, start, objects, watch.report));
    if (result === undefined) watch.fault(`${segmentName(number)} cannot be read`);
    if (result?.isUnderManifest && !mayBeRecovered(number, expected, close))
      reportMisplaced(number, watch.report);
    state = extend(state, number, result);
  }
  if (expected > state.next) reportMissing(state.next, expected, expected, watch.report);
  yield* watch.news();
  const complete = state.next === expected;
  return { ...state, whole: state.whole && complete, last: complete ? state.last : undefined };
}

/** Lets frames pass until something is reported. */
class FaultWatch {
  readonly report: Report;
  #fault: string | undefined;
  #isTold = false;

  constructor(report: Report) {
    this.report = (code, object, message) => {
      this.fault(message);
      report(code, object, message);
    };
  }

  /** What was reported elsewhere. */
  fault(message: string): void {
    this.#fault ??= message;
  }

  async *unlessFaulty<Result>(
    segment: AsyncGenerator<Frames, Result, undefined>,
  ): AsyncGenerator<ChainPart, Result, undefined> {
    for (;;) {
      const { done, value } = await segment.next();
      yield* this.news();
      if (done) return value;
      if (this.#fault === undefined && value.length > 0) yield { frames: value };
    }
  }

  *news(): Generator<ChainPart, void, undefined> {
    if (this.#fault === undefined || this.#isTold) return;
    this.#isTold = true;
    yield { fault: this.#fault };
  }
}

interface ChainState extends ChainResult {
  /** The number that comes next. */
  readonly next: number;
}

function emptyChain(open: ChainLink | undefined): ChainState {
  const nothing = { segments: 0, frames: 0, bytes: 0, whole: true, next: 0, lastTimeUs: 0 };
  return { ...nothing, last: open, lastHead: undefined };
}

function verifyNext(state: ChainState, number: number, start: ChainStart, objects: Objects, report: Report) {
  const previous = number === state.next ? state.last : undefined;
  const { session, keys, sha256 } = start;
  const { lastTimeUs } = state;
  return verifySegment({ number, session, keys, previous, lastTimeUs, sha256 }, objects, report);
}

function extend(state: ChainState, number: number, result: SegmentResult | undefined): ChainState {
  const counts = result?.counts;
  return {
    segments: state.segments + 1,
    frames: state.frames + (counts?.frames ?? 0),
    bytes: state.bytes + (counts?.bytes ?? 0),
    whole: state.whole && number === state.next && counts !== undefined,
    last: result?.link,
    lastHead: result?.head ?? state.lastHead,
    next: number + 1,
    lastTimeUs: counts?.lastTimeUs ?? state.lastTimeUs,
  };
}

/** The last segment of a session that was recovered; or of one that is not sealed, whose sealer may have died. */
function mayBeRecovered(number: number, expected: number, close: CloseStatement | undefined): boolean {
  return number === expected - 1 && close?.recovered !== false;
}

function reportMisplaced(number: number, report: Report): void {
  const name = segmentName(number);
  const message = `${name} is under a manifest, which only the last segment of a recovered session may be`;
  report('manifest-misplaced', name, message);
}

function presentSegments(objects: Objects): readonly number[] {
  const numbers = [...objects.names].map(segmentNumber).filter((number) => number !== undefined);
  return numbers.sort((a, b) => a - b);
}

/** Segments `from` … `before` − 1 are not there. */
function reportMissing(from: number, before: number, expected: number, report: Report): void {
  const first = segmentName(from);
  const which = before - from === 1 ? `${first} is` : `${first} to ${segmentName(before - 1)} are`;
  report('segment-missing', first, `${which} missing: the session has ${expected} segments`);
}

function reportUnlisted(present: readonly number[], expected: number, report: Report): void {
  for (const number of present.filter((candidate) => candidate >= expected)) {
    const name = segmentName(number);
    report('segment-unlisted', name, `${name} is beyond the ${expected} segments that ${CLOSE} counts`);
  }
}
