import { parentPort } from 'node:worker_threads';
import { asCustodyError } from '#core/errors.ts';
import { cannotStart, readyAfter, stalled } from '../recorder/earlier-tasks.ts';
import { keepSequencing } from '../recorder/sequencing.ts';
import type { KeeperSurroundings } from '../surroundings.ts';
import { type FromKeeper, Keeper, serveKeeper } from './keeper.ts';
import type { KeeperSettings } from './start-keeper.ts';

/**
 * Seals what earlier tasks left, before any process begins, and what a process of this gateway leaves, at its end. Says so if it
 * cannot.
 */
export async function runKeeper(
  settings: KeeperSettings,
  surroundings: () => Promise<KeeperSurroundings>,
): Promise<void> {
  try {
    serve(settings, await surroundings());
  } catch (thrown) {
    say(cannotStart(thrown));
  }
}

function serve(
  { sequenceMs }: KeeperSettings,
  { earlier, left, sealTasks, sequencer }: KeeperSurroundings,
): void {
  const later = (ms: number, work: () => void): void => void setTimeout(work, ms);
  const keeper = new Keeper({ sealTasks, later, say, asError: asCustodyError }, left);
  serveKeeper(parentPort!, keeper, () => say({ kind: 'stopped' }));
  keepSequencing(sequencer, sequenceMs, (thrown) => say(stalled(thrown)));
  say(readyAfter(earlier));
}

function say(message: FromKeeper): void {
  parentPort!.postMessage(message);
}
