import { useState } from 'preact/hooks';
import { asProblem, type Problem } from '../api/problem.ts';
import { type Grant, type GrantPage, getRequest, openRequests, type Seen } from '../api/requests.ts';
import type { AccessRequest } from '../api/types.ts';
import { useAnswer } from '../parts/answer.ts';
import { Countdown } from '../parts/countdown.tsx';
import { useListKeys } from '../parts/list-keys.ts';
import { useNow } from '../parts/now.ts';
import { Older, usePages } from '../parts/pager.tsx';
import { personText } from '../parts/person.tsx';
import { Empty, Failure, Loading } from '../parts/states.tsx';
import { shown } from '../parts/text.ts';
import { Ago } from '../parts/time.tsx';
import { useApi, useWho } from '../signin/context.ts';
import { ActDialog } from './act-dialog.tsx';
import { ACTS, type ActKind, actsOn } from './acts.ts';
import { isSame } from './inbox.ts';
import { RequestTitle } from './request-title.tsx';
import { scopeText, stateWord } from './words.ts';

const LOOK_MS = 4_000;
const NOW_MS = 30_000;

/** What goes on now: the caller's own, and what they may revoke. */
export default function GrantsPage() {
  const list = useListKeys<HTMLDivElement>();
  return (
    <div ref={list}>
      <p class="crumb">
        <a href="/requests">Requests</a>
      </p>
      <h1>Grants</h1>
      <Active />
      <Over />
    </div>
  );
}

function Active() {
  const [api, who] = [useApi(), useWho()];
  const { value, problem, again } = useAnswer<readonly AccessRequest[]>(
    (signal) => openRequests(api, {}, signal),
    [],
    { everyMs: LOOK_MS },
  );
  const active = value?.filter(({ state, deviation }) => isGiven(state) && deviation === undefined);
  const own = active?.filter(({ requester }) => isSame(requester, who)) ?? [];
  const others = active?.filter(({ requester }) => !isSame(requester, who)) ?? [];
  return (
    <>
      {problem !== undefined && <Failure problem={problem} onRetry={again} />}
      {active === undefined && problem === undefined && <Loading what="grants" />}
      {active?.length === 0 && <NoGrants />}
      <GrantSection title="Yours" grants={own} again={again} />
      <GrantSection title="Of others" grants={others} again={again} />
    </>
  );
}

function isGiven(state: AccessRequest['state']): boolean {
  return state === 'granted' || state === 'used';
}

function NoGrants() {
  return (
    <Empty title="Nothing is granted at the moment">
      <p>
        To get into a target, <a href="/ask">ask for access</a>.
      </p>
    </Empty>
  );
}

interface SectionProps {
  readonly title: string;
  readonly grants: readonly AccessRequest[];
  readonly again: () => void;
}

function GrantSection({ title, grants, again }: SectionProps) {
  if (grants.length === 0) return null;
  return (
    <section class="request-section">
      <h2>
        {title} <span class="request-count">{grants.length}</span>
      </h2>
      <ul class="request-list">
        {grants.map((request) => (
          <ActiveGrant key={request.id} request={request} again={again} />
        ))}
      </ul>
    </section>
  );
}

function ActiveGrant({ request, again }: { readonly request: AccessRequest; readonly again: () => void }) {
  const { reason, breakGlass, grant, state } = request;
  const kind = actsOn(request, useWho()).find((act) => act === 'return' || act === 'revoke');
  const { word, tone } = stateWord(state);
  const scope = scopeText(request);
  return (
    <li class="request-row grant-row">
      <div class="request-who">
        <RequestTitle of={request} />
        <p class="request-why">
          {breakGlass && <span class="badge bad">Broken glass</span>}{' '}
          {reason === undefined ? 'No reason given' : shown(reason)}
        </p>
      </div>
      <div class="request-standing">
        <span class={`badge ${tone}`}>{word}</span>
        {scope !== undefined && <span>{scope}</span>}
        <Countdown until={grant!.until} over="the time is over" />
      </div>
      {kind !== undefined && <GrantAct kind={kind} request={request} again={again} />}
    </li>
  );
}

interface GrantActProps {
  readonly kind: ActKind;
  readonly request: AccessRequest;
  readonly again: () => void;
}

/** Looks at the request as it is now before it asks. */
function GrantAct({ kind, request, again }: GrantActProps) {
  const api = useApi();
  const [seen, setSeen] = useState<Seen>();
  const [problem, setProblem] = useState<Problem>();
  const begin = (): void => {
    setProblem(undefined);
    getRequest(api, request.id)
      .then(setSeen)
      .catch((thrown: unknown) => setProblem(asProblem(thrown)));
  };
  const { word } = ACTS[kind];
  return (
    <div class="grant-act">
      <button
        type="button"
        class="danger"
        aria-label={`${word}: ${personText(request.requester)} → ${shown(request.target)}`}
        onClick={begin}
      >
        {word}
      </button>
      {problem !== undefined && <Failure problem={problem} />}
      {seen !== undefined && (
        <ActDialog kind={kind} seen={seen} onClose={() => setSeen(undefined)} onChange={again} />
      )}
    </div>
  );
}

/** What was granted and is over, newest first. */
function Over() {
  const [api, now] = [useApi(), useNow(NOW_MS)];
  const pages = usePages<Grant>(
    async (cursor, signal) => {
      const { grants, next } = await api.get<GrantPage>('/v1/grants', { limit: 50, cursor }, signal);
      return { rows: grants.filter(({ state }) => !isGiven(state)), next };
    },
    [],
    { idOf: ({ id }) => id, everyMs: NOW_MS },
  );
  const { rows, first } = pages;
  if (first.problem !== undefined) return <Failure problem={first.problem} onRetry={first.again} />;
  if (rows === undefined || (rows.length === 0 && !pages.hasOlder)) return null;
  return (
    <section class="request-section">
      <h2>Over</h2>
      <ul class="request-list">
        {rows.map((grant) => (
          <OverGrant key={grant.id} grant={grant} now={now} />
        ))}
      </ul>
      <Older pages={pages} what="grants" />
    </section>
  );
}

function OverGrant({ grant, now }: { readonly grant: Grant; readonly now: number }) {
  const { state, breakGlass, ended, until, from } = grant;
  const { word, tone } = stateWord(state);
  return (
    <li class="request-row">
      <div class="request-who">
        <RequestTitle of={grant} />
        <p class="request-why">
          {breakGlass && <span class="badge bad">Broken glass</span>}{' '}
          <span>
            from <Ago at={from} now={now} /> to <Ago at={ended?.at ?? until} now={now} />
            {ended !== undefined && <>, by {personText(ended.by)}</>}
          </span>
        </p>
      </div>
      <div class="request-standing">
        <span class={`badge ${tone}`}>{word}</span>
      </div>
    </li>
  );
}
