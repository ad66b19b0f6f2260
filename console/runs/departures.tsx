import type { AccessRequest } from '../api/types.ts';
import { shown } from '../parts/text.ts';
import { Compared } from './compared.tsx';
import type { Left } from './happened.ts';
import { StepLink } from './step-link.tsx';
import { HOW_WORDS, KIND_WORDS } from './words.ts';

interface DeparturesProps {
  readonly left: readonly Left[];
  /** Requests about commands that wait. */
  readonly waiting: readonly AccessRequest[];
}

/** What left the contract: expected against seen, what came of it, and where it is in the recording. */
export function Departures({ left, waiting }: DeparturesProps) {
  const asked = new Set(waiting.map(({ deviation }) => deviation?.session));
  return (
    <ul class="run-departures">
      {waiting.map((request) => (
        <Waiting key={request.id} request={request} />
      ))}
      {left
        .filter(({ how, session }) => !(how === 'asked' && asked.has(session)))
        .map((one, at) => (
          <Departure key={at} left={one} />
        ))}
    </ul>
  );
}

function Waiting({ request: { id, deviation } }: { readonly request: AccessRequest }) {
  const { kind, expected, seen, session } = deviation!;
  return (
    <li class="run-departure">
      <p>
        <span class="badge warn">asked</span> <strong>{KIND_WORDS[kind]}</strong>
      </p>
      <Compared expected={expected} came="Seen">
        {shown(seen)}
      </Compared>
      <p>
        It waits for reviewers: <a href={`/requests/${id}`}>the request</a> ·{' '}
        <a href={`/sessions/${session}`}>the session</a>
      </p>
    </li>
  );
}

function Departure({ left }: { readonly left: Left }) {
  const { kind, how, more, session, hasBegun } = left;
  const { word, tone } = HOW_WORDS[how];
  return (
    <li class="run-departure">
      <p>
        <span class={`badge ${tone}`}>{word}</span> <strong>{KIND_WORDS[kind]}</strong>
        {more?.command !== undefined && (
          <>
            {' '}
            (<code>{shown(more.command)}</code>)
          </>
        )}
      </p>
      {more !== undefined && (
        <Compared expected={more.expected} came="Seen">
          {shown(more.seen)}
        </Compared>
      )}
      {!hasBegun && (
        <p class="hint">
          No command of this session went on: the task had not begun, and may be tried again.
        </p>
      )}
      <p>
        {more === undefined ? (
          <a href={`/sessions/${session}`}>Session {session.slice(-12)}</a>
        ) : (
          <StepLink place={{ session, at: more.at }}>The step in its session</StepLink>
        )}
        {more?.request !== undefined && (
          <>
            {' · '}
            <a href={`/requests/${more.request}`}>What reviewers said</a>
          </>
        )}
      </p>
    </li>
  );
}
