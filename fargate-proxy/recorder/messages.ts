import { CustodyError, type ErrorCode } from '#core/errors.ts';
import type { Ending, Opening } from '#core/recording/recorder.ts';
import type { SessionOutcome } from '#core/recording/session-index.ts';
import type { CommitTimes } from './commit-stamps.ts';

/** From the relay's thread to the recorder's. Slabs are shared memory, not copied. */
export type ToRecorder =
  | { readonly kind: 'open'; readonly tape: number; readonly opening: Opening; readonly startedMs: number }
  /** First of all: what `take` would say is said by it while the recorder is awake (bell.ts). */
  | { readonly kind: 'bell'; readonly memory: SharedArrayBuffer }
  /** From now on frames come into this slab: take the rest of the one before it. */
  | { readonly kind: 'slab'; readonly buffer: ArrayBufferLike }
  /** The bell was rung while the recorder slept: take all that is in the slabs. */
  | { readonly kind: 'take' }
  | { readonly kind: 'close'; readonly tape: number; readonly ending: Ending }
  | { readonly kind: 'stop' };

/** What a thread tells of what earlier tasks left, which it seals and moves into the ledger: the recorder's, or a parent's. */
export type OfEarlierTasks =
  | {
      readonly kind: 'ready';
      readonly recovered: number;
      /** Sessions that could not be sealed. */
      readonly unsealable: readonly { readonly session: string; readonly error: PlainError }[];
    }
  /** Instead of `ready`. */
  | { readonly kind: 'cannot-start'; readonly error: PlainError }
  /** So many of those that could not be sealed at the start are sealed now. */
  | { readonly kind: 'recovered-late'; readonly sessions: number }
  /** Leaves wait: the sequencer failed, and tries again. */
  | { readonly kind: 'ledger-stalled'; readonly error: PlainError };

/** From the recorder's thread to the relay's. */
export type FromRecorder =
  | OfEarlierTasks
  | { readonly kind: 'opened'; readonly tape: number; readonly error?: PlainError }
  /**
   * So many bytes more of records are durable, or their session is in `failed`; but for the tapes in `behind`, of whose frames that is
   * said by a `caught-up`. The oldest `slabs` slabs may be used again. With `isPartial` that is so only of what somebody waits for; of the
   * rest of it by the next without.
   */
  | {
      readonly kind: 'durable';
      readonly bytes: number;
      readonly slabs: number;
      readonly isPartial?: boolean;
      readonly behind?: readonly number[];
      /** For whoever measures. */
      readonly times?: CommitTimes;
    }
  /** Of this tape, the frames of the oldest `durable` that named it behind are durable. */
  | { readonly kind: 'caught-up'; readonly tape: number }
  | { readonly kind: 'failed'; readonly tape: number; readonly error: PlainError }
  | { readonly kind: 'closed'; readonly tape: number; readonly outcome: SessionOutcome | PlainError }
  /** One that could not be sealed at its end, or could not even be opened, is sealed now. */
  | { readonly kind: 'sealed-late'; readonly session: string; readonly outcome: SessionOutcome }
  /** The task may go on until then, on the relay's monotonic clock in milliseconds. */
  | { readonly kind: 'lease'; readonly untilMs: number }
  /** The lease is lost: the task may not continue. */
  | { readonly kind: 'fenced'; readonly error: PlainError }
  | { readonly kind: 'stopped' };

/** A CustodyError as it crosses threads. */
export interface PlainError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | undefined;
  readonly detail: string | undefined;
}

export function plainError({ code, message, hint, detail }: CustodyError): PlainError {
  return { code, message, hint, detail };
}

export function custodyError({ code, message, hint, detail }: PlainError): CustodyError {
  return new CustodyError(code, message, {
    ...(hint === undefined ? {} : { hint }),
    ...(detail === undefined ? {} : { detail }),
  });
}
