/** A recording decoded into what a person would say happened. Texts are as they were: escape them before showing them. */
import type { StreamName } from '#core/recording/format.ts';

/** A frame as FORMAT.md has it; `readFrames` in core/recording gives them. */
export interface ReplayFrame {
  readonly stream: StreamName;
  readonly withheld: boolean;
  readonly timeUs: number;
  readonly payload: Uint8Array;
}

/** What a step of any protocol says. Each protocol's own step says more. */
export interface StepBase {
  /** `end` and `damaged` are every protocol's: how the session ended, and that bytes are not what the protocol allows. */
  readonly kind: string;
  /** Microseconds since the session's start: when it was sent, or seen. */
  readonly at: number;
  /** Microseconds from its beginning to its completion. */
  readonly took: number;
  readonly outcome?: string;
  /** A side fact of the recording, as it stands there. */
  readonly note?: Readonly<Record<string, unknown>>;
  /** Of damaged and end. */
  readonly text?: string;
  /** Something is left out, by the target's `redact`; marks stand in its place. */
  readonly redacted?: true;
}

/** Texts are in the encoding that the session had when they were said. */
export interface Undecoded {
  /** Bytes that are no text in that encoding, or of which it is not known for certain, stand as `\xNN`. */
  readonly undecoded?: true;
}

/** A text or a value, of which the beginning is kept. */
export interface Shown extends Undecoded {
  readonly text: string;
  /** Bytes of the original on the wire. */
  readonly bytes: number;
  /** `text` is not all of it. */
  readonly cut: boolean;
}
