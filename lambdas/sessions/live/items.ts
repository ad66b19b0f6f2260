import { CustodyError } from '#core/errors.ts';
import type { LiveEnding, LivePart } from '#core/recording/live/reading.ts';
import type { RecordedFrame } from '#core/recording/read.ts';
import type { ReadStep, ReplayReader } from '#core/replay/reader.ts';
import type { TerminalEvent } from '#core/replay/terminal.ts';
import type { LiveQuery } from './shape.ts';

/** What a watcher is shown, in the order that gives it its number. */
export type Item = { readonly step: ReadStep } | { readonly terminal: TerminalEvent };

/** Frames of a recording that is being written, waiting for more where there are none. */
export class LiveFrames {
  readonly #parts: AsyncGenerator<LivePart, LiveEnding, undefined>;
  readonly #pause: () => Promise<void>;
  #stopped = false;
  /** All that was durable has been read once. */
  isCaughtUp = false;
  ending: LiveEnding | undefined;
  lastTimeUs: number | undefined;

  constructor(parts: AsyncGenerator<LivePart, LiveEnding, undefined>, pause: () => Promise<void>) {
    this.#parts = parts;
    this.#pause = pause;
  }

  async *frames(): AsyncGenerator<RecordedFrame, void, undefined> {
    try {
      for (;;) {
        const { done, value } = await this.#parts.next();
        if (done) return void (this.ending = value);
        if (this.#stopped) return;
        if ('frames' in value) yield* this.#timed(value.frames);
        else await this.#waited();
      }
    } finally {
      await this.#parts.return({ verdict: 'failed', fault: 'nobody looks on any more' });
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  async #waited(): Promise<void> {
    this.isCaughtUp = true;
    await this.#pause();
  }

  *#timed(frames: readonly RecordedFrame[]): Generator<RecordedFrame, void, undefined> {
    for (const frame of frames) {
      this.lastTimeUs = frame.timeUs;
      yield frame;
    }
  }
}

/** Steps, or what one terminal showed. The reader's own `end` comes only where the evidence has come to its end. */
export async function* itemsOf(
  live: LiveFrames,
  reader: ReplayReader,
  { view, channel }: Pick<LiveQuery, 'view' | 'channel'>,
): AsyncGenerator<Item, void, undefined> {
  if (view === 'terminal') {
    if (reader.terminal === undefined)
      throw new CustodyError('unsupported', 'sessions of this protocol have no terminals');
    for await (const terminal of reader.terminal(live.frames(), channel)) yield { terminal };
    return;
  }
  const endingOf = () => (live.ending?.verdict === 'verified' ? { reason: live.ending.reason } : undefined);
  for await (const step of reader.steps(live.frames(), 'page', endingOf)) {
    if (step.step.kind === 'end' && live.ending?.verdict !== 'verified') continue;
    yield { step };
  }
}
