import { useAnswer } from '../parts/answer.ts';
import { Copy } from '../parts/copy.tsx';
import { Failure, Loading } from '../parts/states.tsx';
import { shownLines } from '../parts/text.ts';
import { Time } from '../parts/time.tsx';
import type { Step } from '../api/sessions.ts';
import type { Session } from '../api/types.ts';
import { useSessionsApi } from './context.ts';
import { PostgresStep } from './postgres-step.tsx';
import { SpokenStep } from './spoken-step.tsx';
import { placeText, tookText } from './words.ts';

interface StepDetailProps {
  readonly session: Session;
  readonly number: number;
  /** Of a session that is watched: it is here already. */
  readonly known?: Step | undefined;
  /** Because a search led here: the ledger says so. */
  readonly bySearch?: boolean;
}

/** All that is kept of one step. */
export function StepDetail({ session, number, known, bySearch = false }: StepDetailProps) {
  const api = useSessionsApi();
  const { value, problem, again } = useAnswer(
    async (signal) => {
      if (known !== undefined) return known;
      const query = { from: number, limit: 1, ...(bySearch ? { search: true } : {}) };
      const { steps } = await api.steps(session.id, query, signal);
      return steps.find((step) => step.number === number);
    },
    [session.id, number, known],
  );
  if (problem !== undefined) return <Failure problem={problem} onRetry={again} />;
  if (value?.number !== number) return <Loading what={`step ${number}`} />;
  return <StepCard session={session} step={value} />;
}

function StepCard({ session, step }: { readonly session: Session; readonly step: Step }) {
  const at = new Date(Date.parse(session.startedAt) + step.at / 1000).toISOString();
  const json = JSON.stringify(step, undefined, 2);
  return (
    <article class="step-detail" aria-labelledby="step-title">
      <header>
        <h2 id="step-title">
          Step {step.number} <small>{step.kind}</small>
        </h2>
        {step.marks.map((mark) => (
          <span key={mark} class={`badge ${mark === 'error' ? 'bad' : 'mark-write'}`}>
            {mark}
          </span>
        ))}
        {step['redacted'] === true && <span class="badge warn">something is left out</span>}
      </header>
      <p class="step-time">
        <Time at={at} /> <span class="utc">at {placeText(step.at)}</span>
        {step.took > 0 && <span>, took {tookText(step.took)}</span>}
      </p>
      {session.protocol === 'postgres' ? (
        <PostgresStep session={session} step={step} />
      ) : (
        <SpokenStep protocol={session.protocol} step={step} />
      )}
      <details class="json">
        <summary>As JSON</summary>
        <Copy text={json} what="step as JSON" />
        <pre tabIndex={0}>{shownLines(json)}</pre>
      </details>
    </article>
  );
}
