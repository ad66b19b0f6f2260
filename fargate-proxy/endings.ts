/** How a gateway's process ends. */
import type { CustodyError } from '#core/errors.ts';
import type { Gateway } from './gateway.ts';
import type { Doors } from './listener.ts';
import type { Log } from './log.ts';
import type { Tapes } from './recorder/tapes.ts';
import type { Settings } from './settings.ts';

/** How long sessions may take to say goodbye when the process can record no more. */
const GOODBYE_MS = 3_000;

/** A process whose parent was killed is waited for by whoever takes its folder. */
const ORPHAN_MS = 10_000;

/** Nothing can be recorded any more: sessions are told, and a supervisor starts a new task. */
export async function abandon(
  error: CustodyError,
  gateway: Gateway,
  listeners: Doors,
  log: Log,
): Promise<void> {
  log('abandoned', error, { sessions: gateway.sessions.size });
  setTimeout(() => process.exit(1), GOODBYE_MS);
  listeners.close();
  await gateway.drain(0);
  process.exit(1);
}

/**
 * SIGTERM, or the supervisor gone: no new sessions; running ones end sealed, at the latest at the deadline. Under a parent also when
 * that one says so, by what is returned; where it was killed, sessions are ended at once, as the next one waits.
 */
export function drainOnRequest(
  settings: Settings,
  gateway: Gateway,
  listeners: Doors,
  tapes: Tapes,
  log: Log,
): () => void {
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
  process.on('disconnect', () => {
    if (settings.child === undefined) return void drain('supervisor gone');
    setTimeout(() => process.exit(1), ORPHAN_MS).unref();
    void drain('parent gone');
    void gateway.drain(0);
  });
  return () => void drain('parent drains');
}
