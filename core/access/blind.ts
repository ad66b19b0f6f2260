/** What becomes of sessions while the gateway cannot see whether their access still stands. */
import type { Target } from './config.ts';
import type { Grant } from './decide.ts';

/** What cannot be seen for this long, milliseconds, counts as gone: sessions end 5 s after a grant at the latest. */
export const BLIND_MS = 4_000;

/** A session that somebody is allowed to have. */
interface Allowed {
  readonly target: Pick<Target, 'onBlind'>;
  readonly terms: { readonly moderated?: unknown };
  readonly grant: Grant | undefined;
  readonly context: { readonly task?: unknown };
}

/**
 * How long a session goes on unseen, milliseconds. Longer than `BLIND_MS` only where its target says so and it rests on nothing that
 * may be taken away by the minute: no grant, no run, nobody who has to watch.
 */
export function blindMsOf({ target: { onBlind }, terms, grant, context }: Allowed): number {
  const rests = grant !== undefined || context.task !== undefined || terms.moderated !== undefined;
  return rests || onBlind === 'end' ? BLIND_MS : Math.max(BLIND_MS, onBlind.hold);
}
