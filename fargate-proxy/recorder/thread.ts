import { setTimeout as sleep } from 'node:timers/promises';
import type { MessagePort } from 'node:worker_threads';
import { asCustodyError } from '#core/errors.ts';
import {
  type Committed,
  type FailedTapes,
  type HandedSlab,
  Recorder,
  type RecorderPorts,
} from '#core/recording/recorder.ts';
import { type FromRecorder, plainError, type ToRecorder } from './messages.ts';

/** Slabs taken into one commit at most: enough that a bulk transfer fills whole segments at once. */
const SLABS_PER_COMMIT = 16;
/** A few segments each time: a thousand sessions' in half a minute. */
const AGED_EVERY_MS = 500;
const SEAL_EVERY_MS = 1_000;
/** What a look at sessions that could not be sealed waits after one in vain, at most. */
const SEAL_PAUSE_MAX_MS = 60_000;
/** A last try, before the process ends: then the next start or the sealer has to do it. */
const LAST_SEAL_MS = 3_000;

/** Serves a Recorder to the relay's thread until it says stop. `now`: the relay's monotonic clock, milliseconds. */
export function serveRecorder(port: MessagePort, ports: RecorderPorts, now: () => number): void {
  const thread = new RecorderThread(port, new Recorder({ ...ports, pause: (ms) => sleep(ms) }));
  const aging = setInterval(() => void thread.putAged(now()), AGED_EVERY_MS);
  const sealing = setInterval(() => void thread.sealAgain(now()), SEAL_EVERY_MS);
  port.on('message', (message: ToRecorder) => {
    if (message.kind === 'stop') for (const timer of [aging, sealing]) clearInterval(timer);
    thread.receive(message);
  });
}

class RecorderThread {
  readonly #port: MessagePort;
  readonly #recorder: Recorder;
  #waiting: HandedSlab[] = [];
  #inFlight = 0;
  #scheduled = false;
  #sealing = false;
  /** When what could not be sealed is tried again, and how long it is waited after that. */
  #sealAt = 0;
  #sealPauseMs = SEAL_EVERY_MS;

  constructor(port: MessagePort, recorder: Recorder) {
    this.#port = port;
    this.#recorder = recorder;
    const commits = recorder.commitsAtOnce;
    if (commits > 1) this.#say({ kind: 'takes', commits });
  }

  receive(message: ToRecorder): void {
    switch (message.kind) {
      case 'open':
        void this.#open(message);
        return;
      case 'slab':
        this.#waiting.push(message);
        this.#schedule();
        return;
      case 'close':
        void this.#close(message);
        return;
      case 'stop':
        this.#flush();
        if (this.#recorder.unsealed === 0) return this.#say({ kind: 'stopped' });
        void Promise.race([this.#sealUnsealed(), sleep(LAST_SEAL_MS)]).then(() =>
          this.#say({ kind: 'stopped' }),
        );
    }
  }

  /** What could not be sealed is tried again: soon at first, less often while nothing succeeds. */
  async sealAgain(now: number): Promise<void> {
    if (this.#sealing || this.#recorder.unsealed === 0 || now < this.#sealAt) return;
    this.#sealing = true;
    const sealed = await this.#sealUnsealed();
    this.#sealing = false;
    this.#sealPauseMs = sealed > 0 ? SEAL_EVERY_MS : Math.min(2 * this.#sealPauseMs, SEAL_PAUSE_MAX_MS);
    this.#sealAt = now + this.#sealPauseMs;
  }

  async #sealUnsealed(): Promise<number> {
    const sealed = await this.#recorder.sealAgain();
    for (const { session, outcome } of sealed) this.#say({ kind: 'sealed-late', session, outcome });
    return sealed.length;
  }

  async putAged(at: number): Promise<void> {
    this.#sayFailed(await this.#recorder.putAged(at));
  }

  /** Commits once the messages that have already arrived are read, so that one commit takes as much as there is. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      while (this.#waiting.length > 0 && this.#mayCommit) void this.#commit();
    });
  }

  /** While commits are on their way to the journal, the next is compressed. */
  get #mayCommit(): boolean {
    return this.#inFlight <= this.#recorder.commitsAtOnce;
  }

  /** Everything that has arrived goes ahead of what the caller does next. */
  #flush(): void {
    while (this.#waiting.length > 0) void this.#commit();
  }

  async #commit(): Promise<void> {
    const slabs = this.#waiting.splice(0, SLABS_PER_COMMIT);
    this.#inFlight += 1;
    const { failed, behind } = await this.#recorder.commit(slabs).finally(() => (this.#inFlight -= 1));
    this.#sayFailed(failed);
    const buffers = slabs.map((slab) => slab.buffer);
    if (behind.length === 0) this.#say({ kind: 'durable', buffers });
    else this.#say({ kind: 'durable', buffers, behind: behind.map(([tape]) => tape) });
    for (const [tape, settled] of behind) void this.#follow(tape, settled);
    if (this.#waiting.length > 0) this.#schedule();
  }

  async #follow(tape: number, settled: Committed['behind'][number][1]): Promise<void> {
    const error = await settled;
    if (error === undefined) this.#say({ kind: 'caught-up', tape });
    else this.#sayFailed([[tape, error]]);
  }

  async #open({ tape, opening, startedMs }: Extract<ToRecorder, { kind: 'open' }>): Promise<void> {
    try {
      await this.#recorder.open(tape, opening, startedMs);
      this.#say({ kind: 'opened', tape });
    } catch (error) {
      this.#say({ kind: 'opened', tape, error: plainError(asCustodyError(error)) });
    }
  }

  async #close({ tape, ending }: Extract<ToRecorder, { kind: 'close' }>): Promise<void> {
    this.#flush();
    try {
      this.#say({ kind: 'closed', tape, outcome: await this.#recorder.close(tape, ending) });
    } catch (error) {
      this.#say({ kind: 'closed', tape, outcome: plainError(asCustodyError(error)) });
    }
  }

  #sayFailed(failed: FailedTapes): void {
    for (const [tape, error] of failed) this.#say({ kind: 'failed', tape, error: plainError(error) });
  }

  #say(message: FromRecorder): void {
    this.#port.postMessage(message);
  }
}
