import { useRoute } from 'preact-iso';
import { useState } from 'preact/hooks';
import type { Session } from '../api/types.ts';
import { useAnswer } from '../parts/answer.ts';
import { personText } from '../parts/person.tsx';
import { useQuery } from '../parts/query.ts';
import { Failure, Loading } from '../parts/states.tsx';
import { shown } from '../parts/text.ts';
import { momentOf } from '../sessions/place.ts';
import { WaitingSession } from '../sessions/waiting-session.tsx';
import { useApi } from '../signin/context.ts';
import SessionTerminal from './session-terminal.tsx';

/** The terminals of a session alone, as large as the window: `at` is the moment, in microseconds. */
export default function TerminalPage() {
  const id = useRoute().params['id']!;
  const api = useApi();
  const { value, problem, again } = useAnswer(
    (signal) => api.get<Session>(`/v1/sessions/${encodeURIComponent(id)}`, {}, signal),
    [id],
  );
  return (
    <>
      <h1>
        Terminal
        {value !== undefined && <small class="hint"> of a session on {shown(value.target)}</small>}
      </h1>
      {value === undefined && problem === undefined && <Loading what="the session" />}
      {value === undefined && problem !== undefined && <Failure problem={problem} onRetry={again} />}
      {value !== undefined && <WatchedTerminal key={id} session={value} />}
    </>
  );
}

/** To watch a session that waits for it lets it begin: that is decided first. */
function WatchedTerminal({ session }: { readonly session: Session }) {
  const [isWatched] = useState(session.state === 'open');
  if (!isWatched) return <Terminal session={session} />;
  return (
    <WaitingSession session={session}>
      <Terminal session={session} />
    </WaitingSession>
  );
}

function Terminal({ session }: { readonly session: Session }) {
  const { query, set } = useQuery();
  const at = momentOf(query['at']);
  return (
    <>
      <p>
        {personText(session.principal)} · <a href={`/sessions/${session.id}`}>the session and its steps</a>
      </p>
      <SessionTerminal
        session={session}
        at={at}
        onMoment={(us) => set({ at: String(Math.round(us)) }, { replace: true })}
      />
    </>
  );
}
