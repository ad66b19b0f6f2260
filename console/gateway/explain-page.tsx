import type { Configuration, Explanation } from '../api/gateway.ts';
import type { Target } from '../api/types.ts';
import { useAnswer } from '../parts/answer.ts';
import { useQuery } from '../parts/query.ts';
import { Empty, Failure, Loading } from '../parts/states.tsx';
import { useApi } from '../signin/context.ts';
import { Explained } from './explained.tsx';
import { ExplainForm } from './explain-form.tsx';
import { useMayAdminister } from './may-administer.ts';
import { type Asked, askedIn } from './question.ts';

/** `/gateway/explain?action=connect&target=orders-db&as=…`: the form is the address, and the answer is to it. */
export default function ExplainPage() {
  const api = useApi();
  const { query } = useQuery();
  const targets = useAnswer(
    (signal) => api.get<{ readonly targets: readonly Target[] }>('/v1/targets', {}, signal),
    [],
  );
  // Who may not administer gets a form about themselves.
  const may = useMayAdminister();
  const config = useAnswer(
    async (signal) => (may.value === true ? api.get<Configuration>('/v1/config', {}, signal) : undefined),
    [may.value],
  );
  const isKnown = may.value === false || config.value !== undefined;
  const problem = may.problem ?? config.problem;
  const asked = askedIn(query);
  return (
    <div class="explain">
      <h1>Explain a decision</h1>
      <p class="hint">
        {config.value === undefined
          ? 'What the gateway would decide about you, and what to do next.'
          : 'What the gateway would decide about anybody, and why, rule by rule.'}
      </p>
      {problem !== undefined && <Failure problem={problem} onRetry={may.again} />}
      {!isKnown && problem === undefined && <Loading what="the form" />}
      {isKnown && (
        <ExplainForm
          key={JSON.stringify(asked ?? {})}
          asked={query}
          config={config.value}
          targets={(targets.value?.targets ?? []).map(({ name }) => name)}
        />
      )}
      <div aria-live="polite">
        {asked === undefined ? (
          <Empty title="Ask something">
            <p>Choose an action and a target. The address of the answer can be sent to somebody.</p>
          </Empty>
        ) : (
          <Answer asked={asked} />
        )}
      </div>
    </div>
  );
}

function Answer({ asked }: { readonly asked: Asked }) {
  const api = useApi();
  const { value, problem, again } = useAnswer(
    (signal) => api.get<Explanation>('/v1/explanation', asked, signal),
    [JSON.stringify(asked)],
  );
  if (problem !== undefined) return <Failure problem={problem} onRetry={again} />;
  return value === undefined ? <Loading what="the answer" /> : <Explained answer={value} asked={asked} />;
}
