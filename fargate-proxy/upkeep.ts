import { asCustodyError } from '#core/errors.ts';
import { serveHealth } from './health.ts';
import type { Log } from './log.ts';
import { metricsOfProxy } from './metrics.ts';
import { ownRevision } from './revision.ts';
import type { Tally } from './tally.ts';
import { TaskProtection } from './task-protection.ts';

const TICK_MS = 1_000;
const METRICS_EVERY_MS = 20_000;
const REVISION_EVERY_MS = 60_000;

/** A task of the stack, as its surroundings see it. */
export interface Upkept {
  readonly sessions: () => number;
  readonly draining: () => boolean;
  /** How long the oldest frame has waited for its journal entry, milliseconds. */
  readonly journalLagMs: () => number;
  /** When the certificate that clients see ends. */
  readonly certificateEnds: () => Date;
  readonly tally: Pick<Tally, 'take'>;
  readonly log: Log;
}

export interface UpkeepSettings {
  readonly healthPort: number;
  /** `ECS_AGENT_URI`; nothing is protected without it. */
  readonly agent: string | undefined;
  /** `ECS_CONTAINER_METADATA_URI_V4`. */
  readonly metadata: string | undefined;
  /** Says that this revision lives, and resolves with the newest that does. */
  readonly tellRevision: (own: number) => Promise<number>;
}

/** What a task of the stack does beside its sessions: answers the load balancer, protects itself, tells how it is. */
export async function keepUp(settings: UpkeepSettings, task: Upkept): Promise<void> {
  await serveHealth(settings.healthPort, () => !task.draining());
  const publish = metricsOfProxy();
  let lag = 0;
  setInterval(() => (lag = Math.max(lag, task.journalLagMs())), TICK_MS).unref();
  const tell = (): void => {
    const CertificateDaysLeft = daysUntil(task.certificateEnds(), new Date());
    publish({
      ActiveSessions: task.sessions(),
      JournalLagMs: lag,
      CertificateDaysLeft,
      ...task.tally.take(),
    });
    lag = 0;
  };
  setInterval(tell, METRICS_EVERY_MS).unref();
  // Why it ends is what somebody has to look at.
  process.once('exit', tell);
  if (settings.agent !== undefined) protect(settings.agent, await watchAge(settings, task), task);
}

const DAY_MS = 86_400_000;

/** Whole ones; below none, where it has ended. */
export function daysUntil(end: Date, now: Date): number {
  return Math.floor((end.getTime() - now.getTime()) / DAY_MS);
}

/**
 * Whether tasks of a newer revision take sessions. Then this one protects itself no longer: ECS takes it off the load balancer, and
 * its sessions have the stack's `drain` to end. Protected, it would go on getting new ones, and never be free.
 */
async function watchAge({ metadata, tellRevision }: UpkeepSettings, { log }: Upkept): Promise<() => boolean> {
  let own: number | undefined;
  let old = false;
  const look = async (): Promise<void> => {
    try {
      own ??= metadata === undefined ? undefined : await ownRevision(metadata);
      if (own === undefined) return;
      old = (await tellRevision(own)) > own;
    } catch (error) {
      log('revision-unknown', asCustodyError(error));
    }
  };
  await look();
  setInterval(() => void look(), REVISION_EVERY_MS).unref();
  return () => old;
}

function protect(agent: string, isOld: () => boolean, { sessions, log }: Upkept): void {
  const protection = new TaskProtection({
    agent,
    sessions: () => (isOld() ? 0 : sessions()),
    monotonic: () => performance.now(),
    onTrouble: (error) => log('unprotected', error),
  });
  setInterval(() => void protection.tick(), TICK_MS).unref();
}
