import { asCustodyError } from '#core/errors.ts';
import { PULSE_MS, type Pulses } from '#core/status/pulse.ts';
import type { RefusalCounter } from '#core/status/refusals.ts';
import type { Log } from './log.ts';

/** How often the lag is looked at between two pulses: the worst is what is told. */
const LOOK_MS = 1_000;

/** A task, as who runs the gateway sees it. */
export interface Beating {
  readonly task: string;
  readonly version: string;
  readonly sessions: () => number;
  readonly journalLagMs: () => number;
  readonly refusals: Pick<RefusalCounter, 'counts'>;
  readonly log: Log;
}

/** Says every few seconds how this task is. Where that cannot be told it is logged, and nothing else: no session rests on it. */
export function keepTelling(pulses: Pick<Pulses, 'tell'>, beating: Beating): void {
  let worstLagMs = 0;
  setInterval(() => (worstLagMs = Math.max(worstLagMs, beating.journalLagMs())), LOOK_MS).unref();
  const tell = async (): Promise<void> => {
    const { task, version, refusals, log } = beating;
    const journalLagMs = Math.round(Math.max(worstLagMs, beating.journalLagMs()));
    worstLagMs = 0;
    const about = { version, sessions: beating.sessions(), journalLagMs };
    try {
      await pulses.tell({ process: task, at: new Date(), refused: refusals.counts(), task: about });
    } catch (thrown) {
      log('pulse-untold', asCustodyError(thrown));
    }
  };
  setInterval(() => void tell(), PULSE_MS).unref();
  void tell();
}
