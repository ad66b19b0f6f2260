import type { ComponentType } from 'preact';
import { useState } from 'preact/hooks';
import type { Run } from '../api/runs.ts';
import { Failure } from '../parts/states.tsx';

interface RunProofProps {
  readonly run: string;
}

/** The verifier, with its parser of SQL, is fetched when somebody asks for it. */
export function RunProofCard({ run: { id } }: { readonly run: Run }) {
  const [Proof, setProof] = useState<ComponentType<RunProofProps>>();
  const [problem, setProblem] = useState<unknown>();
  const [isAsked, setAsked] = useState(false);
  const verify = (): void => {
    setAsked(true);
    setProblem(undefined);
    import('../proof/run-proof.tsx')
      .then(({ RunProof }) => setProof(() => RunProof))
      .catch((thrown: unknown) => {
        setProblem(thrown);
        setAsked(false);
      });
  };
  if (Proof !== undefined) return <Proof run={id} />;
  return (
    <section class="card" aria-labelledby="verify">
      <h2 id="verify">Verify it here</h2>
      <p class="hint">
        Every session, every result derived again, every step in the ledger: by the code of{' '}
        <code>custody run verify</code>, in this browser. For who may export all of its sessions; the ledger
        keeps that you did.
      </p>
      {problem !== undefined && <Failure problem={problem} />}
      <button type="button" disabled={isAsked} onClick={verify}>
        {isAsked ? 'Fetching the verifier…' : 'Verify the run'}
      </button>
    </section>
  );
}
