import { useEffect, useRef, useState } from 'preact/hooks';
import { openRequests } from '../api/requests.ts';
import type { AccessRequest } from '../api/types.ts';
import { useAnswer } from '../parts/answer.ts';
import { useListKeys } from '../parts/list-keys.ts';
import { useNow } from '../parts/now.ts';
import { Empty, Failure, Loading } from '../parts/states.tsx';
import { useTitle } from '../parts/title.ts';
import { useApi, useWho } from '../signin/context.ts';
import { History } from './history.tsx';
import { type Inbox, inboxOf, newOnes, newsText } from './inbox.ts';
import { RequestSection } from './request-row.tsx';

const LOOK_MS = 4_000;
const NOW_MS = 20_000;

/** What waits for the caller, what they wait for, and what was. */
export default function RequestsPage() {
  const list = useListKeys<HTMLDivElement>();
  return (
    <div class="requests-page" ref={list}>
      <header class="page-head">
        <h1>Requests</h1>
        <nav class="page-links" aria-label="Of requests">
          <a class="button" href="/grants">
            Grants
          </a>
          <a class="button primary" href="/ask">
            Ask for access
          </a>
        </nav>
      </header>
      <Open />
      <History />
    </div>
  );
}

function Open() {
  const [api, who] = [useApi(), useWho()];
  const { value, problem, again } = useAnswer<readonly AccessRequest[]>(
    (signal) => openRequests(api, {}, signal),
    [],
    { everyMs: LOOK_MS },
  );
  const inbox = value && inboxOf(value, who);
  return (
    <>
      {problem !== undefined && <Failure problem={problem} onRetry={again} />}
      <News inbox={inbox} />
      {inbox === undefined ? (
        problem === undefined && <Loading what="requests" />
      ) : (
        <Sections inbox={inbox} />
      )}
    </>
  );
}

function Sections({ inbox }: { readonly inbox: Inbox }) {
  const now = useNow(NOW_MS);
  const { toDecide, toReview, own, others } = inbox;
  const isQuiet = toDecide.length + toReview.length === 0;
  return (
    <>
      {isQuiet && <NothingWaits hasOwn={own.length > 0} />}
      <RequestSection title="Waiting for you" requests={toDecide} now={now} />
      <RequestSection
        title="Broken glass to review"
        hint="Somebody went in at once, without approval. Look at what was done, and say whether it was justified."
        requests={toReview}
        now={now}
      />
      <RequestSection title="Yours" requests={own} now={now} />
      <RequestSection title="Of others" requests={others} now={now} />
    </>
  );
}

function NothingWaits({ hasOwn }: { readonly hasOwn: boolean }) {
  return (
    <Empty title="Nothing waits for you">
      <p>
        Requests that you may decide about appear here by themselves.
        {!hasOwn && (
          <>
            {' '}
            To get into a target yourself, <a href="/ask">ask for access</a>.
          </>
        )}
      </p>
    </Empty>
  );
}

/** For who listens, and for who has another tab open. */
function News({ inbox }: { readonly inbox: Inbox | undefined }) {
  const known = useRef<ReadonlySet<string>>(undefined);
  const [news, setNews] = useState('');
  const waiting = inbox === undefined ? undefined : [...inbox.toDecide, ...inbox.toReview];
  const ids = waiting?.map(({ id }) => id).join(' ');
  useEffect(() => {
    if (inbox === undefined || waiting === undefined) return;
    const found = newOnes(known.current, inbox);
    if (found.length > 0) setNews(newsText(found));
    known.current = new Set(waiting.map(({ id }) => id));
  }, [ids]);
  const count = waiting?.length ?? 0;
  useTitle(count === 0 ? 'Requests' : `(${count}) Requests`);
  return (
    <p class="visually-hidden" role="status" aria-live="polite">
      {news}
    </p>
  );
}
