/** A run's verification, which goes on while its page is open. */
import { useCallback, useEffect, useState } from 'preact/hooks';
import type { RunVerifyReport } from '#core/tasks/verify/verify-run.ts';
import { asProblem, type Problem } from '../api/problem.ts';
import { useApi } from '../signin/context.ts';
import type { Offered } from './offered.ts';
import { Pace } from './pace.ts';
import type { Pins } from './pins.ts';
import { verifyRemoteRun } from './verify-run.ts';

export type RunVerification =
  | { readonly is: 'running' }
  | { readonly is: 'done'; readonly report: RunVerifyReport }
  | { readonly is: 'kept'; readonly problem: Problem };

/** Begins at once, and anew where somebody else is trusted; `again` begins anew. */
export function useRunVerification(run: string, offered: Offered, pins: Pins | undefined) {
  const api = useApi();
  const [round, setRound] = useState(0);
  const [state, setState] = useState<RunVerification>({ is: 'running' });
  const trust = pins && `${pins.fingerprint} ${pins.ledger}`;

  useEffect(() => {
    const pace = new Pace();
    const show = (next: RunVerification): void => {
      if (!pace.signal.aborted) setState(next);
    };
    show({ is: 'running' });
    verifyRemoteRun({ api, run, offered, pins, pace })
      .then((report) => show({ is: 'done', report }))
      .catch((thrown: unknown) => show({ is: 'kept', problem: asProblem(thrown) }));
    return () => pace.end();
  }, [run, offered, trust, round]);

  const again = useCallback(() => {
    setState({ is: 'running' });
    setRound((before) => before + 1);
  }, []);
  return { state, again };
}
