import type { Status } from '../api/gateway.ts';

/** What the page has seen since it was opened: an hour at its pace. */
const SEEN_MAX = 720;

export interface Seen {
  readonly open: readonly number[];
  readonly lagMs: readonly number[];
  readonly queued: readonly number[];
}

/** One more look, where it is another than the last. */
export function withLook(looks: readonly Status[], status: Status): readonly Status[] {
  return looks.at(-1)?.at === status.at ? looks : [...looks, status].slice(-SEEN_MAX);
}

/** The numbers of all looks, in their order. */
export function seenIn(looks: readonly Status[]): Seen {
  return {
    open: looks.map(({ sessions }) => sessions.open),
    lagMs: looks.map(worstLag),
    queued: looks.map(({ ledger }) => ledger.queued),
  };
}

/** Of the tasks that live. */
export function worstLag({ tasks }: Pick<Status, 'tasks'>): number {
  return Math.max(0, ...tasks.map(({ alive, journalLagMs }) => (alive ? (journalLagMs ?? 0) : 0)));
}
