/** The page stays alive while it computes: somebody may look, pause and end it. */
import { signal } from '@preact/signals';

/** As long as a frame of the screen at 60 Hz: so long may the page do nothing else. */
const TURN_MS = 16;

interface Scheduling {
  readonly scheduler?: { yield?(): Promise<void> };
}

export class Pace {
  readonly #ending = new AbortController();
  readonly #paused = signal(false);
  #resume: (() => void) | undefined;
  #turn = performance.now();

  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  get isPaused(): boolean {
    return this.#paused.value;
  }

  pause(): void {
    this.#paused.value = true;
  }

  resume(): void {
    this.#paused.value = false;
    this.#resume?.();
  }

  end(): void {
    this.#ending.abort();
    this.#resume?.();
  }

  /** Between two pieces of work. Rejects once it was ended. */
  async turn(): Promise<void> {
    if (performance.now() - this.#turn >= TURN_MS) await this.#yield();
    while (this.#paused.peek() && !this.signal.aborted) await this.#resumed();
    this.signal.throwIfAborted();
  }

  async #yield(): Promise<void> {
    await nextTask();
    this.#turn = performance.now();
  }

  #resumed(): Promise<void> {
    return new Promise((resolve) => {
      this.#resume = resolve;
    });
  }
}

/** Not by a timer where the browser has better: timers of a tab that nobody looks at run once a second. */
async function nextTask(): Promise<void> {
  const { scheduler } = globalThis as Scheduling;
  if (scheduler?.yield !== undefined) return scheduler.yield();
  const { port1, port2 } = new MessageChannel();
  await new Promise((resolve) => {
    port1.addEventListener('message', resolve, { once: true });
    port1.start();
    port2.postMessage(0);
  });
  port1.close();
}
