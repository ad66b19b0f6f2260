import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_PAUSE_MS = 20;
const PAUSE_MAX_MS = 500;
/** What no waiting mends: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html */
const HOPELESS: readonly string[] = [
  'AccessDeniedException',
  'ItemCollectionSizeLimitExceededException',
  'ResourceNotFoundException',
  'ValidationException',
];

/** How long something is tried again, and by what clock. */
export interface Patience {
  readonly forMs: number;
  /** Milliseconds that never go back. */
  readonly clock: () => number;
  readonly pause: (ms: number) => Promise<unknown>;
}

/** Patience by this machine's clock. */
export function patienceFor(forMs: number): Patience {
  return { forMs, clock: () => performance.now(), pause: (ms) => sleep(ms) };
}

/** Does `work` until it succeeds: again while it may, less often with time. Rejects as the last try did, once patience is over. */
export async function patiently<T>(work: () => Promise<T>, { forMs, clock, pause }: Patience): Promise<T> {
  const until = clock() + forMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MAX_MS)) {
    try {
      return await work();
    } catch (thrown) {
      if (isHopeless(thrown) || clock() + pauseMs >= until) throw thrown;
    }
    await pause(pauseMs);
  }
}

function isHopeless(thrown: unknown): boolean {
  return thrown instanceof Error && HOPELESS.includes(thrown.name);
}
