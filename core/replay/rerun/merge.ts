/** Frames of several recordings in the order in which they came to be. */
import type { ReplayFrame } from '../step.ts';

export interface Timed<Of> {
  readonly of: Of;
  readonly frame: ReplayFrame;
  /** Microseconds since 1970. */
  readonly at: number;
}

/** Of `startedAt` in milliseconds since 1970. Frames of one are in order already; of equal times the earlier source's come first. */
export async function* mergedFrames<
  Of extends { readonly startedAt: number; readonly frames: AsyncIterable<ReplayFrame> },
>(sources: readonly Of[]): AsyncGenerator<Timed<Of>, void, undefined> {
  const heads: { of: Of; from: AsyncIterator<ReplayFrame>; frame: ReplayFrame }[] = [];
  try {
    for (const of of sources) {
      const from = of.frames[Symbol.asyncIterator]();
      const { done, value } = await from.next();
      if (!done) heads.push({ of, from, frame: value });
    }
    while (heads.length > 0) {
      const first = heads.reduce((least, head) => (timeOf(head) < timeOf(least) ? head : least));
      yield { of: first.of, frame: first.frame, at: timeOf(first) };
      const { done, value } = await first.from.next();
      if (done) heads.splice(heads.indexOf(first), 1);
      else first.frame = value;
    }
  } finally {
    for (const { from } of heads) await from.return?.();
  }
}

function timeOf({
  of,
  frame,
}: {
  readonly of: { readonly startedAt: number };
  readonly frame: ReplayFrame;
}): number {
  return of.startedAt * 1000 + frame.timeUs;
}
