/** When a contender has nothing left to do: asked, not guessed. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuSeconds } from './machine.ts';

const LOOK_MS = 100;
const PATIENCE_MS = 120_000;
const REST_MS = 500;
/** CPU seconds in that time that an idle gateway may need for its timers. */
const REST_CPU = 0.02;

/** Resolves when each session of a gateway's data folder is closed in its index. Throws after two minutes. */
export async function sessionsSealed(dataDir: string): Promise<void> {
  const file = join(dataDir, 'index.sqlite');
  if (!existsSync(file)) return;
  const index = new DatabaseSync(file, { readOnly: true });
  try {
    const open = index.prepare('SELECT count(*) AS open FROM sessions WHERE outcome IS NULL');
    await until(() => open.get()?.['open'] === 0, `sessions of ${dataDir} are not sealed`);
  } finally {
    index.close();
  }
}

/** Resolves when the processes do next to nothing: leaves of many sessions enter the ledger after they are sealed. */
export async function atRest(processes: () => readonly number[]): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (performance.now() < end) {
    const before = cpuSeconds(processes());
    await sleep(REST_MS);
    if (cpuSeconds(processes()) - before <= REST_CPU) return;
  }
  throw new Error('a contender does not come to rest');
}

/** Asks until it is so. Throws after two minutes. */
export async function until(holds: () => boolean | Promise<boolean>, otherwise: string): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`${otherwise}, after ${PATIENCE_MS / 1000} s`);
    await sleep(LOOK_MS);
  }
}
