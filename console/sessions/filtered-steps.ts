/** Steps of one kind, found from the start of the session on: what is further down is asked for when it comes into sight. */
import { signal } from '@preact/signals';
import { asProblem, type Problem } from '../api/problem.ts';
import type { SessionsApi, Step } from '../api/sessions.ts';
import type { StepSource } from './step-source.ts';

const PAGE = 200;
/** Places before the last known one at which the next page is asked for. */
const AHEAD = 50;

export class FilteredSteps implements StepSource {
  readonly version = signal(0);
  readonly problem = signal<Problem | undefined>(undefined);
  readonly #api: SessionsApi;
  readonly #session: string;
  readonly #filter: Readonly<Record<string, string>>;
  readonly #ending = new AbortController();
  readonly #steps: Step[] = [];
  #cursor: number | undefined = 0;
  #isLoading = false;

  constructor(api: SessionsApi, session: string, filter: Readonly<Record<string, string>>) {
    this.#api = api;
    this.#session = session;
    this.#filter = filter;
    this.#load();
  }

  get count(): number {
    return this.#steps.length;
  }

  get goesOn(): boolean {
    return this.#cursor !== undefined;
  }

  at(place: number): Step | undefined {
    return this.#steps[place];
  }

  numberAt(place: number): number | undefined {
    return this.#steps[place]?.number;
  }

  placeOf(number: number): number | undefined {
    const place = this.#steps.findIndex((step) => step.number === number);
    return place === -1 ? undefined : place;
  }

  want(_first: number, last: number): void {
    if (last >= this.#steps.length - AHEAD && this.problem.peek() === undefined) this.#load();
  }

  retry(): void {
    this.problem.value = undefined;
    this.#load();
  }

  stop(): void {
    this.#ending.abort();
  }

  #load(): void {
    if (this.#isLoading || this.#cursor === undefined) return;
    this.#isLoading = true;
    const query = { ...this.#filter, brief: true, cursor: this.#cursor, limit: PAGE };
    this.#api
      .steps(this.#session, query, this.#ending.signal)
      .then(({ steps, next }) => {
        this.#steps.push(...steps);
        this.#cursor = next;
        this.#isLoading = false;
        this.version.value += 1;
        // A page that looked far may have found nothing.
        if (steps.length === 0) this.#load();
      })
      .catch((thrown: unknown) => {
        this.#isLoading = false;
        if (!this.#ending.signal.aborted) this.problem.value = asProblem(thrown);
      });
  }
}
