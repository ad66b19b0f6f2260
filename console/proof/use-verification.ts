/** A verification that runs while the page is open: how far it is, and what it came to. */
import { useCallback, useEffect, useState } from 'preact/hooks';
import { asProblem, type Problem } from '../api/problem.ts';
import { useApi } from '../signin/context.ts';
import { trustOf } from './judged.ts';
import type { Offered } from './offered.ts';
import { Pace } from './pace.ts';
import type { Pins } from './pins.ts';
import type { Verified } from './verified.ts';
import { verifySession } from './verify-session.ts';

export type Verification =
  | { readonly is: 'running'; readonly bytes: number; readonly of: number; readonly pace: Pace }
  | { readonly is: 'done'; readonly verified: Verified }
  | { readonly is: 'ended' }
  | { readonly is: 'kept'; readonly problem: Problem };

/** Begins at once; `again` begins anew. Pins that agree with whom it was verified under need no second reading. */
export function useVerification(session: string, offered: Offered, pins: Pins | undefined) {
  const api = useApi();
  const [round, setRound] = useState(0);
  const [state, setState] = useState<Verification>(() => beginning());
  const trust = trustOf(pins, offered);
  const words = `${trust.fingerprint} ${trust.ledger}`;

  useEffect(() => {
    const pace = new Pace();
    const show = (next: Verification): void => {
      if (!pace.signal.aborted) setState(next);
    };
    show(beginning(pace));
    const onProgress = (bytes: number, of: number): void => show({ is: 'running', bytes, of, pace });
    verifySession({ api, session, offered, trust, pace, onProgress })
      .then((verified) => show({ is: 'done', verified }))
      .catch((thrown: unknown) => show({ is: 'kept', problem: asProblem(thrown) }));
    return () => pace.end();
  }, [session, words, round]);

  const again = useCallback(() => {
    setState(beginning());
    setRound((before) => before + 1);
  }, []);
  const end = useCallback(() => {
    if (state.is === 'running') state.pace.end();
    setState({ is: 'ended' });
  }, [state]);
  return { state, again, end };
}

function beginning(pace = new Pace()): Verification {
  return { is: 'running', bytes: 0, of: 0, pace };
}
