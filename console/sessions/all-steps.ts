/** All steps of a session, by their numbers: asked for in pages, of which those that were looked at last are kept. */
import { signal } from '@preact/signals';
import { asProblem, type Problem } from '../api/problem.ts';
import type { SessionsApi, Step } from '../api/sessions.ts';
import type { StepSource } from './step-source.ts';

const BLOCK = 200;
/** Pages that are kept: some ten thousand steps. */
const BLOCKS_MAX = 60;
const AT_ONCE = 2;

export class AllSteps implements StepSource {
  readonly version = signal(0);
  readonly problem = signal<Problem | undefined>(undefined);
  readonly goesOn = false;
  readonly count: number;
  readonly #api: SessionsApi;
  readonly #session: string;
  readonly #blocks = new Map<number, readonly (Step | undefined)[]>();
  readonly #running = new Set<number>();
  readonly #ending = new AbortController();
  #wanted: readonly number[] = [];

  constructor(api: SessionsApi, session: string, count: number) {
    this.#api = api;
    this.#session = session;
    this.count = count;
  }

  at(place: number): Step | undefined {
    return this.#blocks.get(Math.floor(place / BLOCK))?.[place % BLOCK];
  }

  numberAt(place: number): number {
    return place + 1;
  }

  placeOf(number: number): number | undefined {
    return number >= 1 && number <= this.count ? number - 1 : undefined;
  }

  /** What was scrolled past meanwhile is not asked for. */
  want(first: number, last: number): void {
    const [from, to] = [Math.floor(first / BLOCK), Math.floor(Math.max(first, last) / BLOCK)];
    const inSight = Array.from({ length: to - from + 1 }, (_, at) => from + at);
    // The page after is likely to be next.
    this.#wanted = [...inSight, to + 1, from - 1].filter((block) => block >= 0 && block * BLOCK < this.count);
    for (const block of inSight) this.#touch(block);
    this.#load();
  }

  retry(): void {
    this.problem.value = undefined;
    this.#load();
  }

  stop(): void {
    this.#ending.abort();
  }

  #touch(block: number): void {
    const known = this.#blocks.get(block);
    if (known === undefined) return;
    this.#blocks.delete(block);
    this.#blocks.set(block, known);
  }

  #load(): void {
    for (const block of this.#wanted) {
      if (this.#running.size >= AT_ONCE || this.#ending.signal.aborted) return;
      if (this.#blocks.has(block) || this.#running.has(block)) continue;
      this.#running.add(block);
      void this.#read(block).finally(() => {
        this.#running.delete(block);
        if (this.problem.peek() === undefined) this.#load();
      });
    }
  }

  async #read(block: number): Promise<void> {
    try {
      const steps = await this.#page(block);
      this.#blocks.set(block, steps);
      if (this.#blocks.size > BLOCKS_MAX) this.#blocks.delete(this.#blocks.keys().next().value!);
      this.problem.value = undefined;
      this.version.value += 1;
    } catch (thrown) {
      if (!this.#ending.signal.aborted) this.problem.value = asProblem(thrown);
    }
  }

  /** An answer may hold less than was asked for. */
  async #page(block: number): Promise<readonly (Step | undefined)[]> {
    const found: (Step | undefined)[] = [];
    const end = Math.min(this.count, (block + 1) * BLOCK);
    for (let cursor = block * BLOCK; cursor < end; ) {
      const query = { brief: true, cursor, limit: end - cursor };
      const { steps, next } = await this.#api.steps(this.#session, query, this.#ending.signal);
      for (const step of steps) found[step.number - 1 - block * BLOCK] = step;
      if (next === undefined || next <= cursor) break;
      cursor = next;
    }
    return found;
  }
}
