import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { Session } from '../api/types.ts';
import { useAnswer } from '../parts/answer.ts';
import { Loading } from '../parts/states.tsx';
import { useSessionsApi } from './context.ts';

interface WaitingSessionProps {
  readonly session: Session;
  /** What watches it: it is not drawn before somebody said that they will. */
  readonly children: ComponentChildren;
}

/** A session that runs only while somebody watches begins by a decision, not by a page that was opened. */
export function WaitingSession({ session, children }: WaitingSessionProps) {
  const api = useSessionsApi();
  const [isDecided, setDecided] = useState(false);
  const { value, problem } = useAnswer(
    (signal) => api.list({ state: 'waiting', limit: 200, target: session.target }, signal),
    [session.id],
  );
  const waits = value?.sessions.some(({ id }) => id === session.id) ?? false;
  if (isDecided || problem !== undefined) return children;
  if (value === undefined) return <Loading what="whether somebody has to watch" />;
  if (!waits) return children;
  return (
    <section class="card waiting">
      <h2>It waits for somebody to watch</h2>
      <p>
        Nothing reaches {session.target} before. It begins when you watch, and ends within ten seconds when
        nobody does any more. That you watched is entered in the ledger.
      </p>
      <button type="button" class="primary" onClick={() => setDecided(true)}>
        Watch, and let it begin
      </button>
    </section>
  );
}
