import { asCustodyError, type CustodyError } from '#core/errors.ts';
import { type HeldLease, leaseLost } from '#core/recording/leases.ts';

/** Who starts holds nobody up by waiting for a store that is slow for a while, and whoever starts him again takes longer. */
const FIRST_TRIES = 5;

export interface LeaseEvents {
  /** The task may go on until then, on its monotonic clock. */
  readonly renewed: (untilMs: number) => void;
  /** It may not continue, ever. Told once. */
  readonly lost: (error: CustodyError) => void;
}

/** Renews the lease three times in its length. Resolves when it is held; rejects when it cannot be had. */
export async function keepLease(
  lease: HeldLease,
  lengthMs: number,
  { renewed, lost }: LeaseEvents,
): Promise<{ stop(): void }> {
  await firstRenewal(lease);
  renewed(lease.untilMs);
  async function renew(): Promise<void> {
    try {
      await lease.renew();
      renewed(lease.untilMs);
    } catch (thrown) {
      // A failure that is not the end of the lease may be over by the next time.
      if (asCustodyError(thrown).code !== 'task-fenced' && lease.isHeld) return;
      clearInterval(timer);
      lost(leaseLost(lease.task));
    }
  }
  const timer = setInterval(() => void renew(), lengthMs / 3);
  return { stop: () => clearInterval(timer) };
}

async function firstRenewal(lease: HeldLease): Promise<void> {
  for (let left = FIRST_TRIES; ; left -= 1) {
    try {
      return await lease.renew();
    } catch (thrown) {
      if (left === 1 || asCustodyError(thrown).code === 'task-fenced') throw thrown;
    }
  }
}
