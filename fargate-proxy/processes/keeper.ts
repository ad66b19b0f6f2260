/** Looks after what gateway processes leave, where nobody else does: a thread of their parent. */
import type { MessagePort } from 'node:worker_threads';
import type { CustodyError } from '#core/errors.ts';
import type { Sealing } from '#core/recording/seal.ts';
import { sealingPause } from '../growing-pause.ts';
import { type OfEarlierTasks, type PlainError, plainError } from '../recorder/messages.ts';

export type ToKeeper =
  /** Its process is gone: nobody writes for it any more. */
  { readonly kind: 'ended'; readonly task: string } | { readonly kind: 'stop' };

export type FromKeeper =
  | OfEarlierTasks
  | { readonly kind: 'unsealable'; readonly session: string; readonly error: PlainError }
  | { readonly kind: 'unread'; readonly error: PlainError }
  /** All that ended is sealed, as far as it can be. */
  | { readonly kind: 'stopped' };

export interface KeeperPorts {
  /** Seals what these tasks left, which are gone and may never continue, and clears up behind them. */
  readonly sealTasks: (tasks: ReadonlySet<string>) => Promise<Sealing>;
  readonly later: (ms: number, work: () => void) => void;
  readonly say: (message: FromKeeper) => void;
  readonly asError: (thrown: unknown) => CustodyError;
}

/**
 * Seals the sessions of a task at its end, and tries again what could not be sealed: less and less often. Only tasks that are known to
 * be gone are touched: others of the folder live.
 */
export class Keeper {
  readonly #ports: KeeperPorts;
  readonly #gone: Set<string>;
  #running: Promise<void> | undefined;
  #again = false;
  readonly #pause = sealingPause();

  /** `left`: tasks of earlier starts of which something could not be sealed. */
  constructor(ports: KeeperPorts, left: Iterable<string> = []) {
    this.#ports = ports;
    this.#gone = new Set(left);
    if (this.#gone.size > 0) this.#sealLater();
  }

  /** Resolves when its sessions are sealed, or cannot be for now. */
  ended(task: string): Promise<void> {
    this.#gone.add(task);
    this.#pause.reset();
    return this.seal();
  }

  /** One run at a time; whoever comes meanwhile has another one behind it. */
  seal(): Promise<void> {
    this.#again = true;
    this.#running ??= this.#run().finally(() => (this.#running = undefined));
    return this.#running;
  }

  #sealLater(): void {
    this.#ports.later(this.#pause.next(), () => void this.seal());
  }

  async #run(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      await this.#sealOnce();
    }
  }

  async #sealOnce(): Promise<void> {
    const { sealTasks, say, asError } = this.#ports;
    const tasks = new Set(this.#gone);
    if (tasks.size === 0) return;
    try {
      const { sealed, failures } = await sealTasks(tasks);
      if (sealed > 0) say({ kind: 'recovered-late', sessions: sealed });
      for (const { session, error } of failures)
        say({ kind: 'unsealable', session, error: plainError(error) });
      if (failures.length > 0) return this.#sealLater();
      for (const task of tasks) this.#gone.delete(task);
    } catch (thrown) {
      say({ kind: 'unread', error: plainError(asError(thrown)) });
      this.#sealLater();
    }
  }
}

/** Serves the parent until it says stop. */
export function serveKeeper(port: MessagePort, keeper: Keeper, stop: () => void): void {
  port.on('message', (message: ToKeeper) => {
    switch (message.kind) {
      case 'ended':
        void keeper.ended(message.task);
        return;
      case 'stop':
        void keeper.seal().then(stop);
    }
  });
}
