import type { Opening, VerifyReport } from '#core/recording/verify/verify.ts';
import type { Trust } from '../player/trust.ts';

/** What a verification came to. */
export interface Verified {
  readonly report: VerifyReport;
  readonly opening: Opening | undefined;
  /** What was there, by its names. */
  readonly names: ReadonlySet<string>;
  /** Whom it was verified under. */
  readonly trust: Trust;
  readonly bytes: number;
  readonly ms: number;
}
