/** What lets calls of a session pass. On the path and in a test it is the same. */
import type { CustodyError } from '#core/errors.ts';
import type { Call } from './call.ts';

export type Verdict =
  | { readonly kind: 'passes' }
  /** Told to the client as a `Status`; recorded, and may alarm. */
  | { readonly kind: 'refused'; readonly error: CustodyError }
  /** What the body says matters: at most `most` bytes of it are held, and one that is longer is refused. */
  | {
      readonly kind: 'wants-body';
      readonly most: number;
      judge(body: JudgedBody): Verdict | Promise<Verdict>;
    };

export interface JudgedBody {
  readonly bytes: Uint8Array;
  /** Content-Type and Content-Encoding as they came. */
  readonly type: string | undefined;
  readonly encoding: string | undefined;
}

/** How a call that passed ended. */
export interface Answered {
  readonly status: number;
  /** Of an answer with a `Status`, and of exec what its error channel said. */
  readonly exitCode?: number;
}

/** One session's. */
export interface CallJudge {
  /** Nothing of the call has reached the target. `number` is the call's in the recording. */
  judge(call: Call, number: number): Verdict | Promise<Verdict>;
  /** The call that passed is over, or its answer's head is there (`upgrades` and watches: at its end). */
  answered?(number: number, answer: Answered | undefined): void;
}
