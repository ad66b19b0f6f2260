import { useRoute } from 'preact-iso';
import { useMemo } from 'preact/hooks';
import { useAnswer } from '../parts/answer.ts';
import { Failure, Loading } from '../parts/states.tsx';
import { shown } from '../parts/text.ts';
import { useApi } from '../signin/context.ts';
import { askOffered, type Offered } from './offered.ts';
import { PinStore } from './pins.ts';
import { SessionProof } from './session-proof.tsx';

/** Of one session: verified here, in this browser, from the evidence's own bytes. */
export default function ProofPage() {
  const api = useApi();
  const { id = '' } = useRoute().params;
  const pins = useMemo(() => new PinStore(localStorage), []);
  const offered = useAnswer<Offered>((signal) => askOffered(api, signal), []);
  return (
    <section class="proof">
      <p class="back">
        <a href={`/sessions/${encodeURIComponent(id)}`}>The session</a>
      </p>
      <h1>Proof of a session</h1>
      <p class="hint mono">{shown(id)}</p>
      {offered.problem !== undefined && <Failure problem={offered.problem} onRetry={offered.again} />}
      {offered.value === undefined && offered.problem === undefined && <Loading what="the signer" />}
      {offered.value !== undefined && (
        <SessionProof key={id} session={id} offered={offered.value} store={pins} />
      )}
    </section>
  );
}
