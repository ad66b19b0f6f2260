import { availableParallelism } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { HeldLease } from '#core/recording/leases.ts';
import type { RecorderSurroundings } from '../surroundings.ts';
import { cannotStart, readyAfter, stalled } from './earlier-tasks.ts';
import { keepSealing } from './late-seals.ts';
import { keepLease } from './lease-keeper.ts';
import { type FromRecorder, plainError } from './messages.ts';
import { keepSequencing } from './sequencing.ts';
import type { RecorderSettings } from './start.ts';
import { serveRecorder } from './thread.ts';

/** The recorder's thread: seals what an earlier task left where nobody else does, then serves. Says so if it cannot. */
export async function runRecorder(
  settings: RecorderSettings,
  surroundings: () => Promise<RecorderSurroundings>,
): Promise<void> {
  try {
    await serve(settings, await surroundings());
  } catch (thrown) {
    say(cannotStart(thrown));
  }
}

async function serve(
  { task, timeOrigin, leaseMs, sequenceMs }: RecorderSettings,
  { ports, leases, earlier, sealEarlier, sequencer, finish }: RecorderSurroundings,
): Promise<void> {
  const monotonic = (): number => performance.timeOrigin + performance.now() - timeOrigin;
  const lease = new HeldLease(leases, task, leaseMs, { monotonic, wall: () => new Date() });
  await keepLease(lease, leaseMs, {
    renewed: (untilMs) => say({ kind: 'lease', untilMs }),
    lost: (error) => say({ kind: 'fenced', error: plainError(error) }),
  });
  const cores = availableParallelism();
  serveRecorder(parentPort!, { ...ports, lease }, { now: monotonic, cores, finish });
  if (sequencer !== undefined) keepSequencing(sequencer, sequenceMs, (thrown) => say(stalled(thrown)));
  if (sealEarlier !== undefined && earlier.failures.length > 0)
    keepSealing(sealEarlier, (sessions) => say({ kind: 'recovered-late', sessions }));
  say(readyAfter(earlier));
}

function say(message: FromRecorder): void {
  parentPort!.postMessage(message);
}
