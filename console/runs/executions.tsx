import { type Execution, resultOf } from '../api/runs.ts';
import { durationText } from '../parts/duration.ts';
import { useNow } from '../parts/now.ts';
import { Person } from '../parts/person.tsx';
import { shown } from '../parts/text.ts';
import { Time } from '../parts/time.tsx';
import { Digest } from './digest.tsx';
import { operatorOf, type SeenRun } from './seen-run.ts';

interface ExecutionsProps {
  readonly executions: readonly Execution[];
  readonly seen: SeenRun;
}

/** The sessions that were this task. */
export function Executions({ executions, seen }: ExecutionsProps) {
  return (
    <ul class="run-executions">
      {executions.map((one) => (
        <ExecutionRow key={one.session} execution={one} seen={seen} />
      ))}
    </ul>
  );
}

function ExecutionRow({ execution, seen }: { readonly execution: Execution; readonly seen: SeenRun }) {
  const { session, startedAt, result } = execution;
  const operator = operatorOf(execution, seen);
  return (
    <li>
      <p>
        <Verdict execution={execution} /> <a href={`/sessions/${session}`}>Session {session.slice(-12)}</a>
        {operator !== undefined && (
          <>
            {' '}
            of <Person person={operator} />
            <Groups execution={execution} />
          </>
        )}
      </p>
      <p class="hint">
        <Time at={startedAt} /> · <Duration execution={execution} />
      </p>
      {result !== undefined && (
        <p class="hint">
          Result <Digest hex={result} what="digest of the result" /> ·{' '}
          <a href={`/sessions/${session}/proof`}>Verify the session</a>
        </p>
      )}
    </li>
  );
}

function Verdict({ execution: { verdict } }: { readonly execution: Execution }) {
  switch (verdict) {
    case 'kept':
      return <span class="badge good">✓ kept</span>;
    case 'deviated':
      return <span class="badge bad">✗ deviated</span>;
    case undefined:
      return <span class="badge accent">▶ no result yet</span>;
  }
}

function Groups({ execution }: { readonly execution: Execution }) {
  const groups = resultOf(execution)?.operator.groups ?? [];
  return groups.length === 0 ? null : <span class="hint"> ({shown(groups.join(', '))})</span>;
}

/** The session may be over before its result is derived. */
function Duration({ execution: { startedAt, endedAt } }: { readonly execution: Execution }) {
  const now = useNow();
  if (endedAt === undefined) return <>for {durationText(Math.max(0, now - Date.parse(startedAt)))}</>;
  return <>its result was there {durationText(Date.parse(endedAt) - Date.parse(startedAt))} later</>;
}
