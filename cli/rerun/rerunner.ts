import type { MayDiffer } from '#core/replay/rerun/may-differ.ts';
import type { RerunReport } from '#core/replay/rerun/report.ts';
import type { Api } from '../api.ts';
import type { Target } from '../api-shapes.ts';
import type { Cli } from '../cli.ts';
import type { Recording } from './evidence.ts';

/** A recorded session, and where it runs again. */
export interface WantedRerun {
  readonly recording: Recording;
  readonly target: Target;
  /** The id of one that was made. */
  readonly sandbox: string | undefined;
}

export interface RerunnerOptions {
  readonly mayDiffer: MayDiffer;
  /** With the recorded pauses, divided by this. */
  readonly gaps: number | undefined;
  readonly answerMs: number;
  readonly until: number | undefined;
}

export interface Done {
  /** In the order of what was wanted. */
  readonly reports: readonly RerunReport[];
  /** A person goes on where `until` stopped; resolves when they are done. */
  readonly goOn?: (() => Promise<void>) | undefined;
}

/** How sessions of one protocol are run again. */
export interface Rerunner {
  /** Those that were at one time go at one time, in their recorded order. */
  run(cli: Cli, api: Api, wanted: readonly WantedRerun[], options: RerunnerOptions): Promise<Done>;
}
