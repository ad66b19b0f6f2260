import { useEffect } from 'preact/hooks';
import type { Session } from '../api/types.ts';
import { useListKeys } from '../parts/list-keys.ts';
import { PHONE, useMedia } from '../parts/media.ts';
import { useNow } from '../parts/now.ts';
import { Failure } from '../parts/states.tsx';
import { useVirtualRows } from '../parts/virtual.ts';
import { SessionRow } from './session-row.tsx';
import type { Sessions } from './use-sessions.ts';
import { counted } from './words.ts';

const ROW = 60;
const PHONE_ROW = 104;
/** Rows before the last at which what is older is asked for. */
const AHEAD = 40;
const COLUMNS = ['When', 'Who', 'Target', 'State', 'Duration', 'Client'];

interface SessionListProps {
  readonly sessions: Sessions;
  readonly rows: readonly Session[];
}

/** Thousands of rows, of which those in sight are in the page. */
export function SessionList({ sessions, rows }: SessionListProps) {
  const rowHeight = useMedia(PHONE) ? PHONE_ROW : ROW;
  const virtual = useVirtualRows(rows.length, rowHeight);
  const keys = useListKeys<HTMLUListElement>();
  const now = useNow();
  const { hasOlder, isLoadingOlder, older, olderProblem } = sessions;
  const isNearEnd = virtual.last >= rows.length - AHEAD;
  useEffect(() => {
    if (isNearEnd && hasOlder && !isLoadingOlder && olderProblem === undefined) older();
  }, [isNearEnd, hasOlder, isLoadingOlder, older, olderProblem]);
  return (
    <section class="session-list" aria-label="Sessions, live ones first, then the newest">
      <p class="columns" aria-hidden="true">
        {COLUMNS.map((word) => (
          <span key={word}>{word}</span>
        ))}
      </p>
      <div class="rows" ref={virtual.box} onScroll={virtual.onScroll}>
        <ul ref={keys} style={{ height: `${virtual.height}px` }}>
          {rows.slice(virtual.first, virtual.last + 1).map((session, at) => (
            <li
              key={session.id}
              aria-setsize={hasOlder ? -1 : rows.length}
              aria-posinset={virtual.first + at + 1}
              style={{ top: `${virtual.top + at * rowHeight}px`, height: `${rowHeight}px` }}
            >
              <SessionRow session={session} isWaiting={sessions.waiting.has(session.id)} now={now} />
            </li>
          ))}
        </ul>
      </div>
      <p class="hint" role="status">
        {counted(rows.length, 'session')}
        {hasOlder ? ', older ones come as you scroll' : ', all there are'}
      </p>
      {olderProblem !== undefined && <Failure problem={olderProblem} onRetry={older} />}
    </section>
  );
}
