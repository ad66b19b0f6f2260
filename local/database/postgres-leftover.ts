import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CustodyError } from '#core/errors.ts';
import { killIfThere, processIds, readIfThere } from '../supervisor/processes.ts';

const STOP_MS = 10_000;
const LOOK_EVERY_MS = 50;

/**
 * Stops the server that a killed start left behind: it holds the port and the folder. Nothing else may use the folder
 * now. Throws `state-damaged` when it does not stop.
 */
export async function stopLeftover(folder: string): Promise<void> {
  const data = join(folder, 'data');
  const pid = Number(readIfThere(join(data, 'postmaster.pid')).split('\n')[0]);
  if (!Number.isInteger(pid) || pid <= 0) return;
  // Fast, then immediate shutdown (https://www.postgresql.org/docs/current/server-shutdown.html).
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
    if (!isPostgresOf(pid, data)) return;
    process.kill(pid, signal);
    if (await within(STOP_MS, () => !isPostgresOf(pid, data))) return;
  }
  throw doesNotStop(pid);
}

function isPostgresOf(pid: number, data: string): boolean {
  return readIfThere(`/proc/${pid}/cmdline`).split('\0').includes(data);
}

/** The `cluster_name` of the server on this data folder: each of its processes has it in its title. */
export function clusterName(data: string): string {
  return `custody-${createHash('sha256').update(data).digest('hex').slice(0, 16)}`;
}

/**
 * Ends what a server that was killed has left of itself. A busy session does not notice that its server is gone, and
 * none starts on the folder before it is gone too; nothing of it can be saved. Call it when no server runs on `data`.
 * Throws `state-damaged` when one does not end.
 */
export async function endOrphans(data: string): Promise<void> {
  const pids = processIds().filter((pid) => isChildOn(pid, data));
  for (const pid of pids) killIfThere(pid, 'SIGKILL');
  for (const pid of pids) {
    if (!(await within(STOP_MS, () => !isChildOn(pid, data)))) throw doesNotStop(pid);
  }
}

/** Children write `postgres: <cluster name>: <what they do>` over their arguments. */
function isChildOn(pid: number, data: string): boolean {
  return readIfThere(`/proc/${pid}/cmdline`).startsWith(`postgres: ${clusterName(data)}: `);
}

async function within(ms: number, isSo: () => boolean): Promise<boolean> {
  for (let waited = 0; waited < ms && !isSo(); waited += LOOK_EVERY_MS) await sleep(LOOK_EVERY_MS);
  return isSo();
}

function doesNotStop(pid: number): CustodyError {
  return new CustodyError(
    'state-damaged',
    `process ${pid}, a PostgreSQL of an earlier start, does not stop`,
    {
      hint: `end it (kill ${pid}), then start again`,
    },
  );
}
