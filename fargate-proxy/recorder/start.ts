import { Worker } from 'node:worker_threads';
import type { Log } from '../log.ts';
import { CommitStamps, stampsFile } from './commit-stamps.ts';
import { sayOf } from './earlier-tasks.ts';
import { custodyError, type FromRecorder } from './messages.ts';
import { recorderFailed, Tapes } from './tapes.ts';

/** What the recorder's thread is started with. */
export interface RecorderSettings {
  readonly dataDir: string;
  readonly task: string;
  /** The relay thread's performance.timeOrigin: both threads then read the same monotonic clock. */
  readonly timeOrigin: number;
  readonly leaseMs: number;
  readonly sequenceMs: number;
  /** One of several processes: what others left is not its own to seal. */
  readonly isChild: boolean;
}

/** Resolves when earlier sessions are sealed and new ones can be recorded. `entry`: the program of the recorder's thread. */
export function startRecorder(entry: URL, settings: RecorderSettings, log: Log): Promise<Tapes> {
  const worker = new Worker(entry, {
    name: 'recorder',
    workerData: settings,
    resourceLimits: { maxYoungGenerationSizeMb: 8 },
  });
  const now = (): number => performance.now();
  const stamps = stampsFile(process.env);
  const tapes = new Tapes(
    worker,
    now,
    stamps === undefined ? undefined : new CommitStamps(now).keepWriting(stamps),
  );
  return new Promise((resolve, reject) => {
    worker.on('message', (message: FromRecorder) => {
      switch (message.kind) {
        case 'ready':
          sayOf(message, log);
          return resolve(tapes);
        case 'cannot-start':
          return reject(custodyError(message.error));
        case 'recovered-late':
        case 'ledger-stalled':
          return sayOf(message, log);
        case 'sealed-late':
          return log('session-sealed', undefined, lateFacts(message));
        case 'stopped':
          return void worker.terminate();
        default:
          tapes.receive(message);
      }
    });
    worker.on('error', (error) => {
      tapes.die(recorderFailed(String(error)));
      reject(error);
    });
    worker.on('exit', () => tapes.die(recorderFailed('the recorder stopped')));
  });
}

function lateFacts({ session, outcome }: Extract<FromRecorder, { kind: 'sealed-late' }>) {
  return { session, reason: outcome.reason };
}
