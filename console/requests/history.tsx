import type { Api } from '../api/client.ts';
import type { AccessRequest, AccessRequestPage } from '../api/types.ts';
import { useNow } from '../parts/now.ts';
import { Older, type Page, usePages } from '../parts/pager.tsx';
import { useQuery } from '../parts/query.ts';
import { Failure, Loading } from '../parts/states.tsx';
import { useApi } from '../signin/context.ts';
import { Filters } from './filters.tsx';
import { RequestList } from './request-row.tsx';

const NOW_MS = 30_000;
const PAGE = 50;
/** Pages that hold nothing of what is looked for are passed over, at most so many at once. */
const EMPTY_MAX = 6;

/** What was, newest first; of what is looked for, also what still goes on. */
export function History() {
  const [api, now] = [useApi(), useNow(NOW_MS)];
  const { target, person, state } = useQuery().query;
  const pages = usePages<AccessRequest>(
    (cursor, signal) => historyPage(api, { target, person, state }, cursor, signal),
    [target, person, state],
    { idOf: ({ id }) => id, everyMs: NOW_MS },
  );
  const { rows, first } = pages;
  const isFiltered = (target ?? person ?? state) !== undefined;
  return (
    <section class="request-section">
      <h2>{isFiltered ? 'Found' : 'Earlier'}</h2>
      <Filters />
      {first.problem !== undefined && <Failure problem={first.problem} onRetry={first.again} />}
      {rows === undefined && first.problem === undefined && <Loading what="earlier requests" />}
      {rows?.length === 0 && (
        <p class="hint">{pages.hasOlder ? 'None of the newest; there are older ones.' : 'There are none.'}</p>
      )}
      {rows !== undefined && rows.length > 0 && <RequestList requests={rows} now={now} />}
      <Older pages={pages} what="requests" />
    </section>
  );
}

interface Wanted {
  readonly target: string | undefined;
  readonly person: string | undefined;
  readonly state: string | undefined;
}

async function historyPage(
  api: Api,
  wanted: Wanted,
  from: string | undefined,
  signal: AbortSignal,
): Promise<Page<AccessRequest>> {
  const isAsked = Object.values(wanted).some((one) => one !== undefined);
  let cursor = from;
  for (let looked = 1; ; looked += 1) {
    const query = { ...wanted, limit: PAGE, cursor };
    const { requests, next } = await api.get<AccessRequestPage>('/v1/requests', query, signal);
    const rows = isAsked ? requests : requests.filter(isOver);
    if (rows.length > 0 || next === undefined || looked === EMPTY_MAX) return { rows, next };
    cursor = next;
  }
}

function isOver({ state, needsReview }: AccessRequest): boolean {
  return state !== 'pending' && state !== 'granted' && state !== 'used' && !needsReview;
}
