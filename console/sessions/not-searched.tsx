import type { HitPage } from '../api/sessions.ts';
import { Time } from '../parts/time.tsx';
import { counted } from './words.ts';

type SearchLimits = Pick<HitPage, 'pending' | 'searchedSince'>;

/** What was not looked at, and so may hold more. */
export function NotSearched({ limits: { pending, searchedSince } }: { readonly limits: SearchLimits }) {
  return (
    <aside class="hint not-searched">
      {pending.count > 0 && (
        <p>
          Not in the search yet, as they go on or wait to be added:{' '}
          {pending.more === true ? 'more than ' : ''}
          {counted(pending.count, 'session')}
          {pending.sessions.length > 0 && ': '}
          {pending.sessions.slice(0, 5).map((id, at) => (
            <span key={id}>
              {at > 0 && ', '}
              <a href={`/sessions/${id}`}>{id.slice(0, 8)}…</a>
            </span>
          ))}
        </p>
      )}
      {searchedSince !== undefined && (
        <p>
          Sessions that began before <Time at={searchedSince} /> were not looked at: give a time in “Since” to
          go further back.
        </p>
      )}
    </aside>
  );
}
