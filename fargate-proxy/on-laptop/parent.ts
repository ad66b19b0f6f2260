import { setTimeout as sleep } from 'node:timers/promises';
import { lockFolder, untilProcessesGone } from '#adapters/local/folder-lock.ts';
import type { ParentSurroundings } from '../surroundings.ts';

/** Takes the folder's lock for all processes under this one. */
export async function parentOnLaptop(dataDir: string): Promise<ParentSurroundings> {
  await takeFolder(dataDir);
  return { keeps: true };
}

/** Of a gateway that was killed, its processes may still be ending their sessions. */
export async function takeFolder(dataDir: string): Promise<void> {
  lockFolder(dataDir);
  await untilProcessesGone(dataDir, (ms) => sleep(ms));
}
