import type { ComponentChildren } from 'preact';
import type { Status } from '../api/gateway.ts';
import { durationText } from '../parts/duration.ts';
import { Ago } from '../parts/time.tsx';
import { worstLag } from './seen.ts';
import { Sparkline } from './sparkline.tsx';
import { useSeen } from './use-seen.ts';

/** What somebody looks for day by day; each with how it went since the page was opened, where only the page knows. */
export function Numbers({ status, now }: { readonly status: Status; readonly now: number }) {
  const seen = useSeen(status);
  const { sessions, ledger, refusedTokens, search } = status;
  return (
    <section id="numbers" class="numbers" aria-label="Numbers">
      <Tile name="Open sessions" value={String(sessions.open)} href="/sessions?state=open">
        <Sparkline values={seen.open} label="Open sessions since this page was opened" />
        <span>
          {sessions.waiting === 0 ? 'none waits for a watcher' : `${sessions.waiting} wait for a watcher`}
        </span>
      </Tile>
      <Tile name="Recording lag" value={lagText(status)}>
        <Sparkline values={seen.lagMs} label="Recording lag since this page was opened" />
        <span>worst of all tasks, as they last said</span>
      </Tile>
      <Tile name="Ledger" value={ledger.size.toLocaleString('en')} href="/ledger">
        <Sparkline values={seen.queued} label="Leaves that wait since this page was opened" />
        <span>
          {ledger.queued === 0 ? 'no leaf waits' : `${ledger.queued}${ledger.more ? '+' : ''} wait`}
          {ledger.newestAt !== undefined && (
            <>
              , newest <Ago at={ledger.newestAt} now={now} />
            </>
          )}
        </span>
      </Tile>
      <Tile name="Refused tokens" value={String(refusedTokens.total)} href="#refused">
        <Sparkline
          values={refusedTokens.perTenMinutes.map(({ count }) => count)}
          label="Refused tokens by ten minutes, the last hour"
        />
        <span>within the last hour</span>
      </Tile>
      <Tile name="Not sealed" value={String(status.unsealed.count)} href="#tasks">
        <span>sessions that no living task holds</span>
      </Tile>
      {search !== undefined && (
        <Tile name="Not searchable" value={`${search.pending}${search.more ? '+' : ''}`}>
          <span>sealed sessions that are not indexed yet</span>
        </Tile>
      )}
    </section>
  );
}

/** Nothing is said of it while no task has said anything. */
function lagText(status: Status): string {
  const isKnown = status.tasks.some(({ alive, journalLagMs }) => alive && journalLagMs !== undefined);
  return isKnown ? durationText(worstLag(status)) : '–';
}

interface TileProps {
  readonly name: string;
  readonly value: string;
  readonly href?: string;
  readonly children?: ComponentChildren;
}

function Tile({ name, value, href, children }: TileProps) {
  return (
    <div class="tile card">
      <h2>{href === undefined ? name : <a href={href}>{name}</a>}</h2>
      <p class="number">{value}</p>
      <div class="tile-more">{children}</div>
    </div>
  );
}
