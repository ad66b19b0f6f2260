import type { Configuration as ConfigurationValue, Status } from '../api/gateway.ts';
import { useAnswer } from '../parts/answer.ts';
import { Failure, Loading } from '../parts/states.tsx';
import { shown, shownLines } from '../parts/text.ts';
import { Ago, Time } from '../parts/time.tsx';
import { useApi } from '../signin/context.ts';
import { IssuersOverview, RulesOverview, TargetsOverview } from './overview.tsx';

interface ConfigurationProps {
  readonly state: Status['config'];
  readonly now: number;
}

/** What is in force, why a newer file is not, and what it says; read anew with every version. */
export function Configuration({ state, now }: ConfigurationProps) {
  const api = useApi();
  const { value, problem, again } = useAnswer(
    (signal) => api.get<ConfigurationValue>('/v1/config', {}, signal),
    [state.version],
  );
  return (
    <section id="configuration" class="configuration">
      <h2>Configuration in force</h2>
      <InForce state={state} now={now} />
      {problem && <Failure problem={problem} onRetry={again} />}
      {value === undefined && problem === undefined && <Loading what="what it says" />}
      {value !== undefined && (
        <>
          <TargetsOverview targets={value.targets} />
          <RulesOverview rules={value.rules} />
          <IssuersOverview issuers={value.issuers} />
        </>
      )}
    </section>
  );
}

function InForce({ state, now }: ConfigurationProps) {
  const { version, since, refused, warnings } = state;
  return (
    <div class="card">
      <dl class="facts">
        <dt>Version</dt>
        <dd>
          <code title={version}>{version.slice(0, 12)}</code>
        </dd>
        {since !== undefined && (
          <>
            <dt>Written</dt>
            <dd>
              <Time at={since} />
            </dd>
          </>
        )}
      </dl>
      {refused !== undefined && (
        <div class="config-refused">
          <h3>
            A newer file is refused, <Ago at={refused.since} now={now} />
          </h3>
          <pre>{shownLines(refused.problem)}</pre>
        </div>
      )}
      {warnings.length > 0 && (
        <ul class="config-warnings" aria-label="Warnings">
          {warnings.map((words) => (
            <li key={words}>{shown(words)}</li>
          ))}
        </ul>
      )}
    </div>
  );
}
