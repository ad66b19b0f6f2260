import { useMemo } from 'preact/hooks';
import { useAnswer } from '../parts/answer.ts';
import { Failure, Loading } from '../parts/states.tsx';
import { useApi } from '../signin/context.ts';
import { askOffered, type Offered } from './offered.ts';
import { PinStore } from './pins.ts';
import { RunVerdictCard } from './run-verdict.tsx';
import { TrustPanel } from './trust-panel.tsx';
import { useRunVerification } from './use-run-verification.ts';

/** Of one run: verified here, in this browser, and whom it was held against. */
export function RunProof({ run }: { readonly run: string }) {
  const api = useApi();
  const store = useMemo(() => new PinStore(localStorage), []);
  const offered = useAnswer<Offered>((signal) => askOffered(api, signal), []);
  return (
    <div class="proof run-proof">
      {offered.problem !== undefined && <Failure problem={offered.problem} onRetry={offered.again} />}
      {offered.value === undefined && offered.problem === undefined && <Loading what="the signer" />}
      {offered.value !== undefined && <Verified run={run} offered={offered.value} store={store} />}
    </div>
  );
}

interface VerifiedProps {
  readonly run: string;
  readonly offered: Offered;
  readonly store: PinStore;
}

function Verified({ run, offered, store }: VerifiedProps) {
  const { state, again } = useRunVerification(run, offered, store.pins.value);
  return (
    <>
      <div aria-live="polite">
        {state.is === 'running' && <Loading what="and verifying the run’s evidence" />}
        {state.is === 'kept' && <Failure problem={state.problem} onRetry={again} />}
        {state.is === 'done' && <RunVerdictCard report={state.report} onAgain={again} />}
      </div>
      <TrustPanel offered={offered} store={store} />
    </>
  );
}
