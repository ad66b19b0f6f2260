import type { Status } from '../api/gateway.ts';
import { queryText } from '../api/client.ts';
import { shown } from '../parts/text.ts';

export function SessionsByTarget({ sessions }: { readonly sessions: Status['sessions'] }) {
  return (
    <section class="card">
      <h2>Open sessions by target</h2>
      {sessions.byTarget.length === 0 ? (
        <p class="hint">Nobody is connected.</p>
      ) : (
        <ul class="bars">
          {sessions.byTarget.map(({ target, open, waiting }) => (
            <li key={target}>
              <a href={`/sessions${queryText({ target, state: 'open' })}`}>{shown(target)}</a>
              <meter min={0} max={sessions.open} value={open} aria-label={`of all open sessions`} />
              <span class="bar-count">
                {open}
                {waiting > 0 && <span class="hint"> · {waiting} waiting</span>}
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
