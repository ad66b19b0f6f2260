import { Worker } from 'node:worker_threads';
import type { Analysis, Analyst } from '#core/protocols/postgres/shapes/analysis.ts';

/** A thread that answers each text with its analysis, in order. */
export interface ShapeThread {
  postMessage(text: string): void;
  on(event: 'message', listener: (analysis: Analysis) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  ref(): void;
  unref(): void;
  terminate(): Promise<number>;
}

interface Asked {
  readonly text: string;
  readonly answer: (analysis: Analysis) => void;
}

/** The worst that is known takes 0.05 s on an idle machine; a busy one must not refuse what is good. */
const DEADLINE_MS = 2_000;
/** A thread that has not answered yet has the parser to load first: given up, it would never be faster. */
const START_MS = 20_000;
/** Every session waits for one command at most: more than these are no work but a flood. */
const ASKED_MAX = 10_000;

/**
 * Looks at texts in a thread, so that none of them holds up the others' sessions. What takes longer than the deadline cannot be looked at,
 * and its thread is ended and another one begins.
 */
export class ThreadAnalyst implements Analyst {
  readonly #start: () => ShapeThread;
  readonly #deadlineMs: number;
  #thread: ShapeThread | undefined;
  /** The thread has answered before. */
  #loaded = false;
  #timer: NodeJS.Timeout | undefined;
  readonly #asked: Asked[] = [];

  constructor(start: () => ShapeThread = startThread, deadlineMs = DEADLINE_MS) {
    this.#start = start;
    this.#deadlineMs = deadlineMs;
  }

  analyse(text: string): Promise<Analysis> {
    if (this.#asked.length >= ASKED_MAX)
      return Promise.resolve({ why: 'cannot be looked at now: too many wait for it' });
    return new Promise((answer) => {
      this.#asked.push({ text, answer });
      if (this.#asked.length === 1) this.#ask();
    });
  }

  /** Ends its thread; what was asked is answered as what cannot be looked at. */
  async close(): Promise<void> {
    for (const { answer } of this.#asked.splice(0)) answer({ why: 'cannot be looked at any more' });
    clearTimeout(this.#timer);
    await this.#thread?.terminate();
    this.#thread = undefined;
  }

  #ask(): void {
    const [first] = this.#asked;
    // The process may end while nothing is asked.
    if (first === undefined) {
      this.#thread?.unref();
      return;
    }
    const thread = this.#running();
    const deadlineMs = this.#loaded ? this.#deadlineMs : this.#deadlineMs + START_MS;
    this.#timer = setTimeout(() => this.#giveUp('takes too long to be looked at'), deadlineMs);
    thread.ref();
    thread.postMessage(first.text);
  }

  #answered(analysis: Analysis): void {
    clearTimeout(this.#timer);
    this.#asked.shift()?.answer(analysis);
    this.#ask();
  }

  #giveUp(why: string): void {
    const thread = this.#thread;
    this.#thread = undefined;
    void thread?.terminate();
    this.#answered({ why });
  }

  #running(): ShapeThread {
    if (this.#thread !== undefined) return this.#thread;
    const thread = this.#start();
    this.#thread = thread;
    this.#loaded = false;
    // One that was given up may still say something.
    thread.on('message', (analysis) => {
      if (this.#thread !== thread) return;
      this.#loaded = true;
      this.#answered(analysis);
    });
    thread.on('error', () => this.#thread === thread && this.#giveUp('cannot be looked at'));
    return thread;
  }
}

/** Where it was bundled, it has a file beside the gateway's. */
function startThread(): ShapeThread {
  const name = import.meta.url.endsWith('.ts') ? 'shape-thread.ts' : 'shape-thread.mjs';
  return new Worker(new URL(name, import.meta.url), {
    resourceLimits: { maxYoungGenerationSizeMb: 8, stackSizeMb: 4 },
  });
}
