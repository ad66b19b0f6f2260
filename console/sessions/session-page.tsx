import { useRoute } from 'preact-iso';
import { useState } from 'preact/hooks';
import type { Session } from '../api/types.ts';
import { useAnswer } from '../parts/answer.ts';
import { personText } from '../parts/person.tsx';
import { Failure, Loading } from '../parts/states.tsx';
import { useTitle } from '../parts/title.ts';
import { useSessionsApi } from './context.ts';
import { LiveSession } from './live-session.tsx';
import { SealedSession } from './sealed-session.tsx';
import { SessionHead } from './session-head.tsx';
import { WaitingSession } from './waiting-session.tsx';

const OPEN_EVERY_MS = 3_000;

/** One session: who, what it rests on, what it came to, and what was done, step by step. */
export default function SessionPage() {
  const id = useRoute().params['id']!;
  return <KnownSession key={id} id={id} />;
}

function KnownSession({ id }: { readonly id: string }) {
  const api = useSessionsApi();
  const [isOver, setOver] = useState(false);
  const { value, problem, again } = useAnswer(
    (signal) => api.session(id, signal),
    [id],
    isOver ? {} : { everyMs: OPEN_EVERY_MS },
  );
  useTitle(value && `${value.target}, ${personText(value.principal)}`);
  if (value !== undefined && value.state !== 'open' && !isOver) setOver(true);
  if (problem !== undefined && value === undefined) return <Unknown problem={problem} onRetry={again} />;
  if (value === undefined) return <Opening />;
  return (
    <>
      <SessionHead session={value} />
      <WhatHappened session={value} onRefresh={again} />
    </>
  );
}

function Opening() {
  return (
    <>
      <h1>Session</h1>
      <Loading what="the session" />
    </>
  );
}

function Unknown({ problem, onRetry }: { readonly problem: unknown; readonly onRetry: () => void }) {
  return (
    <>
      <h1>Session</h1>
      <Failure problem={problem} onRetry={onRetry} />
      <p>
        It may be one that you may not see. <a href="/sessions">Sessions that you may see</a>
      </p>
    </>
  );
}

interface WhatHappenedProps {
  readonly session: Session;
  readonly onRefresh: () => void;
}

/** Who watches sees it to its end; only then are they shown the recording. */
function WhatHappened({ session, onRefresh }: WhatHappenedProps) {
  const [isWatched, setWatched] = useState(session.state === 'open');
  if (!isWatched) return <SealedSession session={session} />;
  return (
    <WaitingSession session={session}>
      <LiveSession
        session={session}
        onRecording={() => {
          onRefresh();
          setWatched(false);
        }}
      />
    </WaitingSession>
  );
}
