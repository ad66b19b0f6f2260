import { sessionsOf } from '../api/requests.ts';
import type { AccessRequest, Session } from '../api/types.ts';
import { useAnswer } from '../parts/answer.ts';
import { useNow } from '../parts/now.ts';
import { Failure, Loading } from '../parts/states.tsx';
import { useApi } from '../signin/context.ts';
import { SessionLine } from './session-line.tsx';

interface SessionsProps {
  readonly request: AccessRequest;
}

const LOOK_MS = 4_000;

/** Sessions that rest on the grant, live ones with what is going on. */
export function SessionsOfGrant({ request }: SessionsProps) {
  const { grant, deviation } = request;
  if (grant === undefined || deviation !== undefined) return null;
  return <Sessions request={request} since={grant.from} />;
}

function Sessions({ request, since }: SessionsProps & { readonly since: string }) {
  const [api, now] = [useApi(), useNow()];
  const { id, state } = request;
  const isOn = state === 'granted' || state === 'used';
  const { value, problem, again } = useAnswer<readonly Session[]>(
    (signal) => sessionsOf(api, request, since, signal),
    [id, state],
    { everyMs: LOOK_MS },
  );
  const own = value?.filter(({ grant }) => grant === id);
  return (
    <section class="card">
      <h2>Sessions of this grant</h2>
      {problem !== undefined && <Failure problem={problem} onRetry={again} />}
      {own === undefined && problem === undefined && <Loading what="sessions" />}
      {own?.length === 0 && (
        <p class="hint">{isOn ? 'None yet that you may see; they appear here.' : 'None that you may see.'}</p>
      )}
      {own !== undefined && own.length > 0 && (
        <ul class="session-lines">
          {own.map((session) => (
            <SessionLine key={session.id} session={session} now={now} />
          ))}
        </ul>
      )}
    </section>
  );
}
