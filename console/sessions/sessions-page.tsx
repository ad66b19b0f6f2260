import { PHONE, useMedia } from '../parts/media.ts';
import { useQuery } from '../parts/query.ts';
import { Empty, Failure, Loading } from '../parts/states.tsx';
import { filtersOf } from './filters.ts';
import { FilterForm } from './filter-form.tsx';
import { SearchBox } from './search-box.tsx';
import { SessionList } from './session-list.tsx';
import { useSessions } from './use-sessions.ts';

/** Live ones first, then the newest; what they are filtered by is in the address. */
export default function SessionsPage() {
  const { query } = useQuery();
  const filters = filtersOf(query);
  const sessions = useSessions(filters);
  const { problem, again, rows } = sessions;
  const isFiltered = Object.keys(filters).length > 0;
  const isPhone = useMedia(PHONE);
  return (
    <>
      <header class="list-head">
        <h1>Sessions</h1>
        <SearchBox />
      </header>
      {isPhone ? (
        <details class="filters-of" open={isFiltered}>
          <summary>Filters</summary>
          <FilterForm filters={filters} />
        </details>
      ) : (
        <FilterForm filters={filters} />
      )}
      {problem !== undefined && <Failure problem={problem} onRetry={again} />}
      {rows === undefined ? (
        problem === undefined && <Loading what="sessions" />
      ) : rows.length === 0 ? (
        <NoSessions isFiltered={isFiltered} hasOlder={sessions.hasOlder} />
      ) : (
        <SessionList sessions={sessions} rows={rows} />
      )}
    </>
  );
}

function NoSessions({ isFiltered, hasOlder }: { readonly isFiltered: boolean; readonly hasOlder: boolean }) {
  if (hasOlder) return <Loading what="older sessions" />;
  return isFiltered ? (
    <Empty title="No session is like this">
      <p>
        Take a filter away, or <a href="/sessions">see all of them</a>.
      </p>
    </Empty>
  ) : (
    <Empty title="No sessions yet">
      <p>
        Connect to a target, and the session is here while it goes on. <a href="/ask">Ask for access</a> where
        you have none.
      </p>
    </Empty>
  );
}
