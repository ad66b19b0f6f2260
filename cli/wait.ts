import { setTimeout as sleep } from 'node:timers/promises';
import { InvalidArgumentError } from 'commander';
import { durationMs } from '#core/access/duration.ts';
import type { Cli } from './cli.ts';

const POLL_MS = 1_000;
/** `--wait` without a time. */
export const WAIT_MS = 86_400_000;

/** Looks each second until `done`, for `ms` at most; the last look's result. */
export async function waitUntil<T>(
  cli: Cli,
  ms: number,
  look: () => Promise<T>,
  done: (seen: T) => boolean,
): Promise<T> {
  const deadline = cli.now() + ms;
  for (;;) {
    const seen = await look();
    if (done(seen) || cli.now() >= deadline) return seen;
    await sleep(POLL_MS);
  }
}

/** `90s`, `2h`: milliseconds, for commander. */
export function readDuration(text: string): number {
  const ms = durationMs(text);
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError('It must be a time such as 90s, 30m, 4h or 1d.');
}

/** Returns at once when the signal is aborted. */
export async function pauseMs(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
