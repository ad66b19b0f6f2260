import { useAnswer } from '../parts/answer.ts';
import type { Session } from '../api/types.ts';
import { Failure } from '../parts/states.tsx';
import { useApi } from '../signin/context.ts';
import { judged } from './judged.ts';
import type { Offered } from './offered.ts';
import type { PinStore } from './pins.ts';
import { Progress } from './progress.tsx';
import { SaveEvidence } from './save-evidence.tsx';
import { StatedFacts } from './stated-facts.tsx';
import { TrustPanel } from './trust-panel.tsx';
import { useVerification } from './use-verification.ts';
import { FINDING_MEANINGS } from './finding-words.ts';
import { Findings } from './findings.tsx';
import { Checks, VerdictCard } from './verdict-card.tsx';
import type { Verified } from './verified.ts';

interface SessionProofProps {
  readonly session: string;
  readonly offered: Offered;
  readonly store: PinStore;
}

/** Reads, verifies, and says what it came to; and whom it was held against. */
export function SessionProof({ session, offered, store }: SessionProofProps) {
  const pins = store.pins.value;
  const { state, again, end } = useVerification(session, offered, pins);
  return (
    <>
      <div aria-live="polite">
        {state.is === 'running' && <Progress state={state} onEnd={end} />}
        {state.is === 'ended' && <Ended onAgain={again} />}
        {state.is === 'kept' && <Failure problem={state.problem} onRetry={again} />}
        {state.is === 'done' && (
          <Outcome verified={state.verified} session={session} store={store} again={again} />
        )}
      </div>
      <TrustPanel offered={offered} store={store} />
      <SaveEvidence session={session} offered={offered} pins={pins} />
    </>
  );
}

function Ended({ onAgain }: { readonly onAgain: () => void }) {
  return (
    <section class="card verdict open">
      <h2>Not verified</h2>
      <p>The verification was ended before it came to anything: nothing can be said of this evidence.</p>
      <button type="button" class="primary" onClick={onAgain}>
        Verify again
      </button>
    </section>
  );
}

interface OutcomeProps {
  readonly verified: Verified;
  readonly session: string;
  readonly store: PinStore;
  readonly again: () => void;
}

function Outcome({ verified, session, store, again }: OutcomeProps) {
  const api = useApi();
  const told = useAnswer<Session>(
    (signal) => api.get(`/v1/sessions/${encodeURIComponent(session)}`, {}, signal),
    [session],
  );
  const seen = { ...verified, report: judged(verified.report, store.pins.value) };
  return (
    <>
      <VerdictCard verified={seen} onAgain={again} />
      <Findings findings={seen.report.findings} meanings={FINDING_MEANINGS} />
      <Checks verified={seen} />
      {seen.report.facts !== undefined && (
        <StatedFacts
          facts={seen.report.facts}
          open={seen.opening?.fault === undefined ? seen.opening?.open : undefined}
          told={told.value}
          isDoubted={seen.report.verdict === 'failed'}
        />
      )}
      {told.problem !== undefined && <Failure problem={told.problem} onRetry={told.again} />}
    </>
  );
}
