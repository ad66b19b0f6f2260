/** What the same person did with earlier requests for the same target: as far as whoever looks may see it. */
import type { Api } from '../api/client.ts';
import { sessionsOf } from '../api/requests.ts';
import type { AccessRequest, AccessRequestPage, Session } from '../api/types.ts';
import { useAnswer } from '../parts/answer.ts';
import { useNow } from '../parts/now.ts';
import { personText } from '../parts/person.tsx';
import { Failure, Loading } from '../parts/states.tsx';
import { shown } from '../parts/text.ts';
import { Ago } from '../parts/time.tsx';
import { useApi, useWho } from '../signin/context.ts';
import { isSame } from './inbox.ts';
import { SessionLine } from './session-line.tsx';
import { durationOf, scopeText, stateWord } from './words.ts';

interface EarlierProps {
  readonly request: AccessRequest;
}

interface Past {
  readonly requests: readonly AccessRequest[];
  readonly sessions: readonly Session[];
  readonly hasMore: boolean;
}

const SHOWN = 8;
const NOW_MS = 30_000;

export function Earlier({ request }: EarlierProps) {
  const [api, now] = [useApi(), useNow(NOW_MS)];
  const { id, requester, target } = request;
  const isOwn = isSame(requester, useWho());
  const { value, problem, again } = useAnswer((signal) => pastOf(api, request, signal), [id]);
  const all = `/requests?target=${encodeURIComponent(target)}&person=${encodeURIComponent(nameOf(request))}`;
  return (
    <section class="card">
      <h2>
        {isOwn ? 'Your' : `What came of ${personText(requester)}’s`} earlier requests for {shown(target)}
      </h2>
      {problem !== undefined && <Failure problem={problem} onRetry={again} />}
      {value === undefined && problem === undefined && <Loading what="earlier requests" />}
      {value?.requests.length === 0 && <p class="hint">There were none that you may see.</p>}
      {value !== undefined && value.requests.length > 0 && (
        <ol class="earlier">
          {value.requests.map((one) => (
            <EarlierRequest key={one.id} request={one} sessions={value.sessions} now={now} />
          ))}
        </ol>
      )}
      {value?.hasMore === true && (
        <p>
          <a href={all}>All of them</a>
        </p>
      )}
    </section>
  );
}

interface EarlierRequestProps extends EarlierProps {
  readonly sessions: readonly Session[];
  readonly now: number;
}

function EarlierRequest({ request, sessions, now }: EarlierRequestProps) {
  const { id, state, reason, createdAt, grant, breakGlass, review } = request;
  const { word, tone } = stateWord(state);
  const own = sessions.filter((session) => session.grant === id);
  const scope = scopeText(request);
  return (
    <li class="earlier-request">
      <p class="earlier-head">
        <span class={`badge ${tone}`}>{word}</span>
        {breakGlass && (
          <span class="badge bad">Broken glass{review === undefined ? '' : `: ${review.verdict}`}</span>
        )}
        <a href={`/requests/${id}`}>
          asked <Ago at={createdAt} now={now} />, for {durationOf(request)}
        </a>
        {scope !== undefined && <span class="hint">{scope}</span>}
      </p>
      {reason !== undefined && <p class="earlier-reason">{shown(reason)}</p>}
      {own.length > 0 && (
        <ul class="session-lines">
          {own.map((session) => (
            <SessionLine key={session.id} session={session} now={now} />
          ))}
        </ul>
      )}
      {grant !== undefined && own.length === 0 && <p class="hint">{withoutSessions(grant)}</p>}
    </li>
  );
}

function withoutSessions({ usedBy }: NonNullable<AccessRequest['grant']>): string {
  return usedBy === undefined
    ? 'No session of it that you may see.'
    : `Used by the session ${usedBy}, of which you may not see more.`;
}

/** Newest first. */
async function pastOf(api: Api, request: AccessRequest, signal: AbortSignal): Promise<Past> {
  const query = { target: request.target, person: nameOf(request), cursor: request.id, limit: 100 };
  const page = await api.get<AccessRequestPage>('/v1/requests', query, signal);
  const requests = page.requests.filter(({ deviation }) => deviation === undefined).slice(0, SHOWN);
  const hasMore = page.next !== undefined || requests.length < page.requests.length;
  const begins = requests.flatMap(({ grant }) => grant?.from ?? []).toSorted();
  const sessions = begins[0] === undefined ? [] : await sessionsOf(api, request, begins[0], signal);
  return { requests, sessions, hasMore };
}

function nameOf({ requester: { email, subject } }: AccessRequest): string {
  return email ?? subject;
}
