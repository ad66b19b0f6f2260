/** Steps of a session that goes on, as they become durable. */
import { signal } from '@preact/signals';
import type { Api } from '../api/client.ts';
import { type EndNews, type LagNews, type LiveStep, liveEvents } from '../api/live.ts';
import { asProblem, type Problem } from '../api/problem.ts';
import type { Step } from '../api/sessions.ts';
import { isError, isWrite } from '../player/marks.ts';
import type { StepSource } from './step-source.ts';

/** Of older ones nothing but their number is kept: they are in the recording. */
const KEPT_MAX = 20_000;

export class LiveSteps implements StepSource {
  readonly version = signal(0);
  readonly problem = signal<Problem | undefined>(undefined);
  readonly lag = signal<LagNews | undefined>(undefined);
  readonly end = signal<EndNews | undefined>(undefined);
  /** The gateway is away, and asked again. */
  readonly away = signal<Problem | undefined>(undefined);
  readonly goesOn = false;
  readonly #api: Api;
  readonly #session: string;
  readonly #ending = new AbortController();
  #steps: Step[] = [];
  #dropped = 0;

  constructor(api: Api, session: string) {
    this.#api = api;
    this.#session = session;
    void this.#watch();
  }

  get count(): number {
    return this.#steps.length;
  }

  at(place: number): Step | undefined {
    return this.#steps[place];
  }

  numberAt(place: number): number | undefined {
    return this.#steps[place]?.number;
  }

  placeOf(number: number): number | undefined {
    const place = number - 1 - this.#dropped;
    return place >= 0 && place < this.#steps.length ? place : undefined;
  }

  want(): void {}

  /** From the first step again: what failed is about who watches, and may have changed. */
  retry(): void {
    this.#steps = [];
    this.#dropped = 0;
    this.problem.value = undefined;
    this.version.value += 1;
    void this.#watch();
  }

  stop(): void {
    this.#ending.abort();
  }

  async #watch(): Promise<void> {
    const { signal: aborting } = this.#ending;
    const onAway = (problem: Problem | undefined): void => void (this.away.value = problem);
    try {
      const news = liveEvents(this.#api, this.#session, { view: 'steps' }, { signal: aborting, onAway });
      for await (const one of news) {
        if (one.event === 'step') this.#add(one.data);
        if (one.event === 'lag') this.lag.value = one.data;
        if (one.event === 'end') this.end.value = one.data;
      }
    } catch (thrown) {
      if (!aborting.aborted) this.problem.value = asProblem(thrown);
    }
  }

  #add({ n: number, step }: LiveStep): void {
    const marks = [
      ...(isError(step) ? (['error'] as const) : []),
      ...(isWrite(step) ? (['write'] as const) : []),
    ];
    this.#steps.push({ ...step, number, marks });
    if (this.#steps.length > KEPT_MAX) {
      this.#steps.shift();
      this.#dropped += 1;
    }
    this.version.value += 1;
  }
}
