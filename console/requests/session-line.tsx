import { useState } from 'preact/hooks';
import { asProblem } from '../api/problem.ts';
import type { Summary } from '../api/requests.ts';
import type { Session } from '../api/types.ts';
import { useAnswer } from '../parts/answer.ts';
import { durationText } from '../parts/duration.ts';
import { Failure, Loading } from '../parts/states.tsx';
import { shown } from '../parts/text.ts';
import { Ago } from '../parts/time.tsx';
import { useApi } from '../signin/context.ts';

interface SessionLineProps {
  readonly session: Session;
  readonly now: number;
}

/** That there was a session, and, where somebody asks and may look, what was done in it. */
export function SessionLine({ session, now }: SessionLineProps) {
  const { id, startedAt, outcome, client } = session;
  const [isOpen, setOpen] = useState(false);
  return (
    <li class="session-line">
      <p>
        <a href={`/sessions/${id}`}>Session</a> <Ago at={startedAt} now={now} />
        <span class={`badge ${outcome === undefined ? 'accent' : ''}`}>{endText(session)}</span>
        <span class="hint">{shown(client.application ?? client.address)}</span>
      </p>
      {outcome !== undefined && (
        <details onToggle={(event) => setOpen(event.currentTarget.open)}>
          <summary>What was done in it</summary>
          {isOpen && <SessionSummary id={id} />}
        </details>
      )}
    </li>
  );
}

function endText({ startedAt, outcome }: Session): string {
  if (outcome === undefined) return 'live';
  const took = durationText(Date.parse(outcome.endedAt) - Date.parse(startedAt));
  return `${outcome.reason.replaceAll('-', ' ')} after ${took}`;
}

/** Asked for only when somebody opens it: it is a look at the recording, and the ledger says who looked. */
function SessionSummary({ id }: { readonly id: string }) {
  const api = useApi();
  const { value, problem, again } = useAnswer<Summary>(
    (signal) => api.get(`/v1/sessions/${id}/summary`, {}, signal),
    [id],
  );
  if (problem !== undefined) return <NoSummary problem={problem} again={again} />;
  if (value === undefined) return <Loading what="the summary" />;
  return (
    <ul class="summary-lines">
      {value.unusual.map(({ text, step }) => (
        <li key={text} class="unusual">
          <span class="badge warn">Unusual</span> <SummaryText id={id} text={text} step={step} />
        </li>
      ))}
      {value.lines.map(({ text, step }) => (
        <li key={text}>
          <SummaryText id={id} text={text} step={step} />
        </li>
      ))}
    </ul>
  );
}

interface SummaryTextProps {
  readonly id: string;
  readonly text: string;
  readonly step: number | undefined;
}

function SummaryText({ id, text, step }: SummaryTextProps) {
  return step === undefined ? <>{shown(text)}</> : <a href={`/sessions/${id}?step=${step}`}>{shown(text)}</a>;
}

function NoSummary({ problem, again }: { readonly problem: unknown; readonly again: () => void }) {
  const { status, message } = asProblem(problem);
  if (status !== 403) return <Failure problem={problem} onRetry={again} />;
  return <p class="hint">You may know of this session, and not look into it: {shown(message)}.</p>;
}
