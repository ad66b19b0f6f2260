import { Worker } from 'node:worker_threads';
import type { Log } from '../log.ts';
import { sayOf } from '../recorder/earlier-tasks.ts';
import { custodyError } from '../recorder/messages.ts';
import type { FromKeeper, ToKeeper } from './keeper.ts';

/** What the keeper's thread is started with. */
export interface KeeperSettings {
  readonly keeps: true;
  readonly dataDir: string;
  readonly sequenceMs: number;
}

export interface RunningKeeper {
  readonly ended: (task: string) => void;
  /** Resolves when what ended is sealed, as far as it can be. */
  readonly stop: () => Promise<void>;
}

/** Resolves when earlier sessions are sealed. `entry`: the program of the thread. `onDeath`: nothing is looked after any more. */
export function startKeeper(
  entry: URL,
  settings: KeeperSettings,
  log: Log,
  onDeath: (detail: string) => void,
): Promise<RunningKeeper> {
  const worker = new Worker(entry, { workerData: settings });
  const say = (message: ToKeeper): void => worker.postMessage(message);
  const gone = Promise.withResolvers<void>();
  let isStopping = false;
  worker.once('exit', () => {
    gone.resolve();
    if (!isStopping) onDeath('the thread ended');
  });
  const stop = async (): Promise<void> => {
    isStopping = true;
    say({ kind: 'stop' });
    await gone.promise;
  };
  return new Promise((resolve, reject) => {
    worker.on('error', (error) => reject(error));
    worker.on('message', (message: FromKeeper) => {
      if (message.kind === 'cannot-start') return reject(custodyError(message.error));
      if (message.kind === 'stopped') return void worker.terminate();
      sayKept(message, log);
      if (message.kind === 'ready')
        resolve({
          ended: (task) => say({ kind: 'ended', task }),
          stop,
        });
    });
  });
}

function sayKept(message: Exclude<FromKeeper, { kind: 'stopped' }>, log: Log): void {
  switch (message.kind) {
    case 'unsealable':
      log('seal-failed', custodyError(message.error), { session: message.session });
      return;
    case 'unread':
      log('seal-failed', custodyError(message.error));
      return;
    default:
      sayOf(message, log);
  }
}
