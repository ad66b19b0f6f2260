const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** How long after a failed attempt the next one comes: 22 h 45 min in all, so a receiver may be down for a night. */
const WAITS = [
  5 * SECOND,
  30 * SECOND,
  2 * MINUTE,
  10 * MINUTE,
  30 * MINUTE,
  1 * HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
];
/** The first attempt comes at once. */
export const ATTEMPTS = WAITS.length + 1;
/** A wait is up to this part longer: what failed together does not come back together. */
const SPREAD = 0.1;

/**
 * When the next attempt comes after `failures` attempts have failed, the last of them at `failedAt`; undefined: there is no
 * other. `jitter`: 0 to 1.
 */
export function retryAt(failures: number, failedAt: Date, jitter: number): Date | undefined {
  const wait = WAITS[failures - 1];
  return wait === undefined
    ? undefined
    : new Date(failedAt.getTime() + Math.round(wait * (1 + SPREAD * jitter)));
}
