import type { Pulse, RefusedCount } from '#core/status/pulse.ts';
import type { Status } from './shapes.ts';

const TEN_MINUTES_MS = 600_000;
const HOUR_MS = 3_600_000;

/** The hour before the ten minutes that run now, and those. */
export function refusedSince(now: Date): Date {
  return new Date(tenMinutes(now.getTime()) - HOUR_MS);
}

/** What all processes refused lately: by reason, the most first, and how it went. */
export function refusedLately(pulses: readonly Pulse[], now: Date): Status['refusedTokens'] {
  const since = refusedSince(now);
  const counts = pulses.flatMap(({ refused }) => refused).filter(({ from }) => from >= since);
  return {
    since: since.toISOString(),
    total: sum(counts),
    reasons: byReason(counts),
    perTenMinutes: byTime(counts, since, now),
  };
}

function byReason(counts: readonly RefusedCount[]): Status['refusedTokens']['reasons'] {
  const reasons = Map.groupBy(counts, ({ door, code, issuer }) => JSON.stringify([door, code, issuer]));
  return [...reasons.values()]
    .map((same) => {
      const { door, code, issuer } = same[0]!;
      return { door, code, ...(issuer === undefined ? {} : { issuer }), count: sum(same) };
    })
    .toSorted((a, b) => b.count - a.count);
}

function byTime(
  counts: readonly RefusedCount[],
  since: Date,
  now: Date,
): Status['refusedTokens']['perTenMinutes'] {
  const times: number[] = [];
  for (let at = since.getTime(); at <= now.getTime(); at += TEN_MINUTES_MS) times.push(at);
  return times.map((at) => ({
    from: new Date(at).toISOString(),
    count: sum(counts.filter(({ from }) => from.getTime() === at)),
  }));
}

function sum(counts: readonly RefusedCount[]): number {
  return counts.reduce((total, { count }) => total + count, 0);
}

function tenMinutes(ms: number): number {
  return Math.floor(ms / TEN_MINUTES_MS) * TEN_MINUTES_MS;
}
