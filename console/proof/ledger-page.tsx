import { useMemo } from 'preact/hooks';
import { useAnswer } from '../parts/answer.ts';
import { Empty, Failure, Loading } from '../parts/states.tsx';
import { useApi } from '../signin/context.ts';
import { LedgerView } from './ledger/ledger-view.tsx';
import { askOffered, type Offered } from './offered.ts';
import { PinStore } from './pins.ts';
import { TrustPanel } from './trust-panel.tsx';

/** What must not vanish, and that it has not: checked here, in this browser. */
export default function LedgerPage() {
  const api = useApi();
  const pins = useMemo(() => new PinStore(localStorage), []);
  const offered = useAnswer<Offered>((signal) => askOffered(api, signal), []);
  return (
    <section class="proof ledger">
      <h1>Ledger</h1>
      {offered.problem !== undefined && <Failure problem={offered.problem} onRetry={offered.again} />}
      {offered.value === undefined && offered.problem === undefined && (
        <Loading what="the newest checkpoint" />
      )}
      {offered.value !== undefined && (
        <>
          {offered.value.note === undefined ? (
            <Empty title="The ledger is empty">
              <p>The first session puts it to use, within a minute. Then look again.</p>
              <button type="button" onClick={offered.again}>
                Look again
              </button>
            </Empty>
          ) : (
            <LedgerView
              key={offered.value.note}
              offered={offered.value}
              note={offered.value.note}
              pins={pins.pins.value}
              onLookAgain={offered.again}
            />
          )}
          <TrustPanel offered={offered.value} store={pins} />
        </>
      )}
    </section>
  );
}
