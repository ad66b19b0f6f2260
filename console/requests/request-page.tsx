import { useRoute } from 'preact-iso';
import { useState } from 'preact/hooks';
import { getRequest, type Seen } from '../api/requests.ts';
import type { AccessRequest } from '../api/types.ts';
import { type Answer, useAnswer } from '../parts/answer.ts';
import { Countdown } from '../parts/countdown.tsx';
import { useKeys } from '../parts/keys.ts';
import { personText } from '../parts/person.tsx';
import { Failure, Loading } from '../parts/states.tsx';
import { shown } from '../parts/text.ts';
import { useTitle } from '../parts/title.ts';
import { useApi, useWho } from '../signin/context.ts';
import { ActDialog } from './act-dialog.tsx';
import { ACTS, type ActKind, actsOn } from './acts.ts';
import { Asked } from './asked.tsx';
import { Decisions } from './decisions.tsx';
import { Earlier } from './earlier.tsx';
import { RequestFacts } from './request-facts.tsx';
import { RunNow } from './run-now.tsx';
import { SessionsOfGrant } from './sessions-of-grant.tsx';
import { approvalsText, stateWord, untilOf } from './words.ts';

const LOOK_MS = 3_000;

/** One request, with all that reviewers decide about: where the link of a message leads. */
export default function RequestPage() {
  const api = useApi();
  const id = useRoute().params['id']!;
  const answer = useAnswer<Seen>((signal) => getRequest(api, id, signal), [id], { everyMs: LOOK_MS });
  const { value: seen, problem, again } = answer;
  if (seen !== undefined)
    return (
      <>
        {problem !== undefined && <Failure problem={problem} onRetry={again} />}
        <Request key={id} seen={seen} answer={answer} />
      </>
    );
  return (
    <>
      <h1>Request</h1>
      {problem === undefined ? (
        <Loading what="the request" />
      ) : (
        <>
          <Failure problem={problem} onRetry={again} />
          <p>
            It may be one that you may not know of. Go on with <a href="/requests">those you may see</a>.
          </p>
        </>
      )}
    </>
  );
}

interface RequestProps {
  readonly seen: Seen;
  readonly answer: Answer<Seen>;
}

function Request({ seen, answer }: RequestProps) {
  const { value: request } = seen;
  useTitle(`${personText(request.requester)} → ${request.target}`);
  return (
    <article class="request-page">
      <Head request={request} />
      <div class="request-columns">
        <div class="request-main">
          <Asked request={request} />
          <RunNow request={request} />
          <SessionsOfGrant request={request} />
          <Earlier request={request} />
        </div>
        <aside class="request-side" aria-label="Facts and decisions">
          <Decisions request={request} />
          <RequestFacts request={request} />
        </aside>
      </div>
      <Actions seen={seen} answer={answer} />
    </article>
  );
}

function Head({ request }: { readonly request: AccessRequest }) {
  const { requester, target, breakGlass, needsReview, state } = request;
  const { word, tone } = stateWord(state);
  const until = untilOf(request);
  return (
    <header class="request-head">
      <p class="crumb">
        <a href="/requests">Requests</a>
      </p>
      <h1>
        {personText(requester)} <span class="request-arrow">→</span> {shown(target)}
      </h1>
      <p class="request-state" role="status" aria-live="polite">
        <span class={`badge ${tone}`}>{word}</span>
        {state === 'pending' && <span>{approvalsText(request)}</span>}
      </p>
      {until !== undefined && (
        <p class="request-clock">
          <Countdown until={until} over="The time is over" />
        </p>
      )}
      {breakGlass && <Alarm needsReview={needsReview} />}
    </header>
  );
}

function Alarm({ needsReview }: { readonly needsReview: boolean }) {
  return (
    <section class="alarm-box" aria-label="Broken glass">
      <p>
        <strong>The glass was broken.</strong> Access began at once, without anybody’s approval, and an alarm
        was raised.
      </p>
      <p>{needsReview ? 'Nobody has reviewed yet what was done.' : 'It was reviewed.'}</p>
    </section>
  );
}

/** What the caller can do, within reach of a thumb. */
function Actions({ seen, answer }: RequestProps) {
  const who = useWho();
  const [open, setOpen] = useState<{ readonly kind: ActKind; readonly seen: Seen }>();
  const acts = actsOn(seen.value, who);
  const begin = (kind: ActKind) => (): void => {
    if (acts.includes(kind)) setOpen({ kind, seen });
  };
  useKeys([
    { key: 'a', does: 'Approve this request', run: begin('approve') },
    { key: 'd', does: 'Deny this request', run: begin('deny') },
  ]);
  const changed = (newer: Seen): void => {
    answer.set(newer);
    answer.again();
  };
  return (
    <>
      {acts.length > 0 && (
        <div class="action-bar" role="group" aria-label="What you can do">
          {acts.map((kind) => (
            <button key={kind} type="button" class={classOf(kind)} onClick={begin(kind)}>
              {ACTS[kind].word}
              {kind === 'approve' && <kbd>a</kbd>}
              {kind === 'deny' && <kbd>d</kbd>}
            </button>
          ))}
        </div>
      )}
      {open !== undefined && (
        <ActDialog kind={open.kind} seen={open.seen} onClose={() => setOpen(undefined)} onChange={changed} />
      )}
    </>
  );
}

function classOf(kind: ActKind): string {
  if (ACTS[kind].isGrave) return 'danger';
  return kind === 'approve' || kind === 'justified' ? 'primary' : '';
}
