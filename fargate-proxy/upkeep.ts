import type { Log } from './log.ts';
import { metricsOfProxy } from './metrics.ts';
import { serveHealth } from './health.ts';
import type { Tally } from './tally.ts';
import { TaskProtection } from './task-protection.ts';

const TICK_MS = 1_000;
const METRICS_EVERY_MS = 20_000;

/** A task of the stack, as its surroundings see it. */
export interface Upkept {
  readonly sessions: () => number;
  readonly draining: () => boolean;
  /** How long the oldest frame has waited for its journal entry, milliseconds. */
  readonly journalLagMs: () => number;
  readonly tally: Tally;
  readonly log: Log;
}

export interface UpkeepSettings {
  readonly healthPort: number;
  /** `ECS_AGENT_URI`; nothing is protected without it. */
  readonly agent: string | undefined;
}

/** What a task of the stack does beside its sessions: answers the load balancer, protects itself, tells how it is. */
export async function keepUp({ healthPort, agent }: UpkeepSettings, task: Upkept): Promise<void> {
  await serveHealth(healthPort, () => !task.draining());
  const publish = metricsOfProxy();
  let lag = 0;
  setInterval(() => (lag = Math.max(lag, task.journalLagMs())), TICK_MS).unref();
  setInterval(() => {
    publish({ ActiveSessions: task.sessions(), JournalLagMs: lag, ...task.tally.take() });
    lag = 0;
  }, METRICS_EVERY_MS).unref();
  if (agent !== undefined) protect(agent, task);
}

function protect(agent: string, { sessions, log }: Upkept): void {
  const protection = new TaskProtection({
    agent,
    sessions,
    monotonic: () => performance.now(),
    onTrouble: (error) => log('unprotected', error),
  });
  setInterval(() => void protection.tick(), TICK_MS).unref();
}
