import type { Verdict } from '#core/recording/verify/verify.ts';
import type { JsonStep } from '#core/replay/reader.ts';

/** What is asked of a session's steps. */
export interface StepsAsked {
  readonly from?: number;
  /** As people say times (core/replay/index/time-place.ts). */
  readonly at?: string;
  readonly cursor?: number;
  readonly direction: 'next' | 'previous';
  readonly errors?: true;
  readonly writes?: true;
  readonly kind?: string;
  readonly outcome?: string;
  /** It was found by a search. */
  readonly search?: true;
}

export interface ShownStep {
  readonly number: number;
  readonly marks: readonly ('error' | 'write')[];
  readonly json: JsonStep;
}

/** Some steps of a session, with what is known of the evidence that they are of. */
export interface ShownPage {
  readonly session: string;
  readonly protocol: string;
  readonly verdict: Verdict;
  readonly findings: readonly { readonly code: string; readonly message: string }[];
  readonly completeness?: string | undefined;
  readonly partial?: string | undefined;
  readonly total: { readonly steps: number; readonly errors: number; readonly writes: number };
  /** Of so many segments that its steps are from, so many were read again for it. */
  readonly checked?: { readonly segments: number; readonly of: number } | undefined;
  readonly steps: readonly ShownStep[];
  readonly next?: number | undefined;
  readonly previous?: number | undefined;
}

/** Where steps come from: the API, or a folder on this machine. */
export interface StepPages {
  /** Who checked the evidence, in words. */
  readonly checkedBy: string;
  page(asked: StepsAsked, limit: number): Promise<ShownPage>;
}
