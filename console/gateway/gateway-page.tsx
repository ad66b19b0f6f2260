import type { Status } from '../api/gateway.ts';
import { useAnswer } from '../parts/answer.ts';
import { useNow } from '../parts/now.ts';
import { Failure, Loading } from '../parts/states.tsx';
import { Ago } from '../parts/time.tsx';
import { useApi } from '../signin/context.ts';
import { Configuration } from './configuration.tsx';
import { DeadLetters } from './dead-letters.tsx';
import { Findings } from './findings-list.tsx';
import { findingsOf } from './findings.ts';
import { useMayAdminister } from './may-administer.ts';
import { NotForYou } from './not-for-you.tsx';
import { Numbers } from './numbers.tsx';
import { Refused } from './refused.tsx';
import { SessionsByTarget } from './sessions-by-target.tsx';
import { Tasks } from './tasks.tsx';

/** While somebody looks, milliseconds. */
const EVERY_MS = 5_000;

export default function GatewayPage() {
  const { value: may, problem, again } = useMayAdminister();
  if (may === true) return <StatePage />;
  if (may === false) return <NotForYou />;
  return (
    <>
      <h1>Gateway</h1>
      {problem === undefined ? (
        <Loading what="the state of the gateway" />
      ) : (
        <Failure problem={problem} onRetry={again} />
      )}
    </>
  );
}

/** What is wrong first; then the numbers, and what they are made of. */
function StatePage() {
  const api = useApi();
  const status = useAnswer((signal) => api.get<Status>('/v1/status', {}, signal), [], { everyMs: EVERY_MS });
  const { value, problem } = status;
  return (
    <div class="gateway">
      <header class="page-head">
        <h1>Gateway</h1>
        <a class="button" href="/gateway/explain">
          Explain a decision
        </a>
      </header>
      {problem && <Failure problem={problem} onRetry={status.again} />}
      {value === undefined && problem === undefined && <Loading what="the state of the gateway" />}
      {value !== undefined && <State status={value} />}
    </div>
  );
}

function State({ status }: { readonly status: Status }) {
  const now = useNow();
  return (
    <>
      <Findings findings={findingsOf(status)} />
      <Numbers status={status} now={now} />
      <div class="gateway-parts">
        <SessionsByTarget sessions={status.sessions} />
        <Tasks status={status} now={now} />
        <Refused refused={status.refusedTokens} />
        <DeadLetters dead={status.deadLetters} now={now} />
      </div>
      <Configuration state={status.config} now={now} />
      <p class="hint gateway-foot">
        Looked at <Ago at={status.at} now={now} />, every few seconds while this page is visible. Custody{' '}
        {status.version}.
      </p>
    </>
  );
}
