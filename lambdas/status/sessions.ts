import type { Presence } from '#core/access/presence.ts';
import { CLOCK_SKEW_MS, type LeaseBook, type TaskLease } from '#core/recording/leases.ts';
import { allLeases, withoutLease } from '#core/recording/left-open.ts';
import type { SessionIndex, SessionRecord } from '#core/recording/session-index.ts';
import type { Pulse, Pulses } from '#core/status/pulse.ts';
import type { Status } from './shapes.ts';

export interface SessionsNowPorts {
  readonly sessions: Pick<SessionIndex, 'unsealed'>;
  readonly presence: Pick<Presence, 'waiting'>;
  readonly leases: Pick<LeaseBook, 'endedBefore'>;
  readonly pulses: Pick<Pulses, 'since'>;
}

/** The sealer looks each minute, and adds what two clocks may be apart; twice that, and something is wrong. */
const SEAL_WITHIN_S = 2 * (60 + CLOCK_SKEW_MS / 1000);

type SessionsNow = Pick<Status, 'sessions' | 'tasks' | 'unsealed'> & {
  readonly open: readonly SessionRecord[];
};

/** Sessions that are open, and the tasks that hold them, or do not any more. */
export async function sessionsNow(
  { sessions, presence, leases }: SessionsNowPorts,
  pulses: readonly Pulse[],
  now: Date,
): Promise<SessionsNow> {
  // The sessions first: a task has its lease before its first session.
  const open = await sessions.unsealed();
  const [held, waiting] = await Promise.all([allLeases(leases), presence.waiting(now)]);
  return {
    open,
    sessions: byTarget(open, new Set(waiting)),
    tasks: tasksOf(held, open, pulses, now),
    unsealed: leftOpen(open, held, now),
  };
}

function byTarget(open: readonly SessionRecord[], waiting: ReadonlySet<string>): Status['sessions'] {
  const targets = Map.groupBy(open, ({ target }) => target);
  const waits = (sessions: readonly SessionRecord[]): number =>
    sessions.filter(({ id }) => waiting.has(id)).length;
  const rows = [...targets].map(([target, sessions]) => ({
    target,
    open: sessions.length,
    waiting: waits(sessions),
  }));
  const most = rows.toSorted((a, b) => b.open - a.open || (a.target < b.target ? -1 : 1));
  return { open: open.length, waiting: waits(open), byTarget: most };
}

/** The living first, then whose sessions wait for the sealer. */
function tasksOf(
  leases: readonly TaskLease[],
  open: readonly SessionRecord[],
  pulses: readonly Pulse[],
  now: Date,
): Status['tasks'] {
  const counts = Map.groupBy(open, ({ task }) => task);
  const told = new Map(pulses.map((pulse) => [pulse.process, pulse]));
  return leases
    .map(({ task, until }) => ({
      task,
      alive: until > now,
      leaseUntil: until.toISOString(),
      open: counts.get(task)?.length ?? 0,
      ...toldBy(told.get(task)),
    }))
    .toSorted((a, b) => Number(b.alive) - Number(a.alive) || b.open - a.open || (a.task < b.task ? -1 : 1));
}

function toldBy(pulse: Pulse | undefined): Partial<Status['tasks'][number]> {
  if (pulse?.task === undefined) return {};
  const { version, journalLagMs } = pulse.task;
  return { toldAt: pulse.at.toISOString(), version, journalLagMs };
}

function leftOpen(
  open: readonly SessionRecord[],
  leases: readonly TaskLease[],
  now: Date,
): Status['unsealed'] {
  const left = withoutLease(open, leases, now);
  const [oldest] = left;
  const base = { count: left.length, deadlineSeconds: SEAL_WITHIN_S };
  if (oldest === undefined) return base;
  const since = leases.find(({ task }) => task === oldest.task)?.until.toISOString();
  const { id: session, startedAt } = oldest;
  return { ...base, oldest: { session, startedAt, ...(since === undefined ? {} : { since }) } };
}
