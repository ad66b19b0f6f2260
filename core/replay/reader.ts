import type { z } from 'zod';
import type { Ending } from './ending.ts';
import type { ReplayFrame, StepBase } from './step.ts';
import type { TerminalEvent } from './terminal.ts';

/** How much of texts and data steps keep: `whole` for a person's own machine, `page` for an answer of the API. */
export type Extent = 'whole' | 'page';

/** What is known of the session besides its frames. It is asked when they are over. */
export type EndingOf = () => Ending | undefined;

/** A protocol's reader of recordings, its words for a person, and its shape in the API. */
export interface ReplayReader {
  /**
   * Each step as soon as it is complete. `frames` hold all streams in the order of time. It never throws for what the bytes are:
   * what does not fit the protocol is a step `damaged`, a frame source that fails with `format-invalid` too; other errors of
   * the source are thrown on. Memory is bounded, whatever the recording holds.
   */
  steps(frames: AsyncIterable<ReplayFrame>, extent: Extent, ending: EndingOf): AsyncIterable<ReadStep>;
  /** What `ReadStep.json` gives. */
  readonly shape: z.ZodType<SaidStep>;
  /** Another where the same frames give other steps, or the same steps other facts: what was derived before is made again. */
  readonly version: number;
  /** The step that `toJson` was of. Whoever takes the JSON from outside holds it against `shape` first. */
  ofJson(json: JsonStep): ReadStep;
  /**
   * The terminal of one channel by its number in steps, else the first that there is; nothing where there is none. Absent where the
   * protocol has no terminals.
   */
  readonly terminal?: TerminalOf | undefined;
}

export type TerminalOf = (
  frames: AsyncIterable<ReplayFrame>,
  channel?: number,
) => AsyncIterable<TerminalEvent>;

export type JsonStep = Readonly<Record<string, unknown>>;

/** A step's JSON once it was held against a shape: what all protocols say, and what is its own of each. */
export type SaidStep = JsonStep & {
  readonly kind: string;
  readonly at: number;
  readonly took: number;
  readonly outcome?: string | undefined;
};

/** A step with its own words, so that who shows it need not know its protocol. */
export interface ReadStep {
  readonly step: StepBase;
  /** As a person reads it: lines that are safe for a terminal (security case 18) and, where that matters, fit `width` columns. */
  toText(width: number): string;
  /** Plain JSON. Its texts are as they were. */
  toJson(): JsonStep;
}

/** What a protocol gives to be read. */
interface Parts<S extends StepBase> {
  readonly steps: (frames: AsyncIterable<ReplayFrame>, extent: Extent, ending: EndingOf) => AsyncIterable<S>;
  readonly format: (step: S, width: number) => string;
  readonly json: (step: S) => JsonStep;
  readonly shape: z.ZodType<SaidStep>;
  readonly version: number;
  readonly ofJson: (json: JsonStep) => S;
  readonly terminal?: TerminalOf;
}

export function replayReader<S extends StepBase>(parts: Parts<S>): ReplayReader {
  const { steps, format, json, shape, version, ofJson, terminal } = parts;
  const read = (step: S): ReadStep => ({
    step,
    toText: (width) => format(step, width),
    toJson: () => json(step),
  });
  return {
    shape,
    version,
    terminal,
    async *steps(frames, extent, ending) {
      for await (const step of steps(frames, extent, ending)) yield read(step);
    },
    ofJson: (given) => read(ofJson(given)),
  };
}
