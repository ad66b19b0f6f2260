/** How a gateway's process ends. */
import type { CustodyError } from '#core/errors.ts';
import type { Gateway } from './gateway.ts';
import type { Listeners } from './listener.ts';
import type { Log } from './log.ts';
import type { Tapes } from './recorder/tapes.ts';
import type { Settings } from './settings.ts';

/** How long sessions may take to say goodbye when the process can record no more. */
const GOODBYE_MS = 3_000;

/** Nothing can be recorded any more: sessions are told, and a supervisor starts a new task. */
export async function abandon(
  error: CustodyError,
  gateway: Gateway,
  listeners: Listeners,
  log: Log,
): Promise<void> {
  log('abandoned', error, { sessions: gateway.sessions.size });
  setTimeout(() => process.exit(1), GOODBYE_MS);
  listeners.close();
  await gateway.drain(0);
  process.exit(1);
}

/** SIGTERM, or the supervisor gone: no new sessions; running ones end sealed, at the latest at the deadline. */
export function drainOnRequest(
  settings: Settings,
  gateway: Gateway,
  listeners: Listeners,
  tapes: Tapes,
  log: Log,
): void {
  let draining = false;
  async function drain(cause: string): Promise<void> {
    if (draining) return;
    draining = true;
    log('draining', undefined, { cause, sessions: gateway.sessions.size, deadlineMs: settings.drainMs });
    listeners.close();
    await gateway.drain(settings.drainMs);
    tapes.stop();
    log('stopped');
    process.exitCode = 0;
    process.channel?.unref();
  }
  process.on('SIGTERM', () => void drain('SIGTERM'));
  process.on('SIGINT', () => void drain('SIGINT'));
  process.on('disconnect', () => void drain('supervisor gone'));
}
