import { CustodyError } from '#core/errors.ts';
import { type Attempt, type DeliveryPorts, deliverDue } from '#core/notify/deliver.ts';

const EVERY_MS = 1_000;

export interface Notifying {
  /** Begins no more attempts. Those that run end by themselves; one that nobody sees the end of is made again. */
  stop(): void;
}

/**
 * Delivers what is due, every second. `onTrouble` is told when a webhook begins to fail, when the first of its deliveries
 * dies, and when the queue itself fails; of each once, until it succeeds again.
 */
export function keepDelivering(
  ports: DeliveryPorts,
  now: () => Date,
  onTrouble: (error: unknown) => void,
): Notifying {
  const tell = troubles(onTrouble);
  let stopped = false;
  let queueFails = false;
  async function run(): Promise<void> {
    try {
      const attempts = await deliverDue(ports, now);
      if (stopped) return;
      queueFails = false;
      for (const attempt of attempts) tell(attempt);
    } catch (error) {
      if (!queueFails && !stopped) onTrouble(error);
      queueFails = true;
    }
  }
  // Not one call after the other: a webhook that is slow would keep back those that are not.
  const timer = setInterval(() => void run(), EVERY_MS);
  void run();
  return {
    stop: () => {
      stopped = true;
      clearInterval(timer);
    },
  };
}

/** Tells what is worse than it was with a webhook. */
function troubles(onTrouble: (error: unknown) => void): (attempt: Attempt) => void {
  const known = new Map<string, Attempt['outcome']>();
  return ({ webhook, outcome, problem }) => {
    const before = known.get(webhook);
    if (outcome === 'delivered') {
      known.delete(webhook);
    } else if (before === undefined || (before === 'failed' && outcome === 'dead')) {
      known.set(webhook, outcome);
      onTrouble(troubleOf(webhook, outcome, problem));
    }
  };
}

function troubleOf(webhook: string, outcome: 'failed' | 'dead', problem = ''): CustodyError {
  const what = outcome === 'dead' ? 'a delivery is given up' : 'a delivery failed and will be tried again';
  return new CustodyError('delivery-failed', `webhook "${webhook}": ${what}: ${problem}`);
}
