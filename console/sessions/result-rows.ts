/** Rows of one result, asked for in pages where they come into sight. */
import { signal } from '@preact/signals';
import { asProblem, type Problem } from '../api/problem.ts';
import type { Row, SessionsApi } from '../api/sessions.ts';

const PAGE = 500;
const PAGES_MAX = 24;

export class ResultRows {
  readonly version = signal(0);
  readonly problem = signal<Problem | undefined>(undefined);
  readonly count: number;
  readonly #api: SessionsApi;
  readonly #session: string;
  readonly #step: number;
  /** Those that the step has itself. */
  readonly #first: readonly Row[];
  readonly #pages = new Map<number, Row[]>();
  readonly #ending = new AbortController();
  #wanted: readonly number[] = [];
  #isRunning = false;

  constructor(api: SessionsApi, session: string, step: number, first: readonly Row[], count: number) {
    this.#api = api;
    this.#session = session;
    this.#step = step;
    this.#first = first;
    this.count = count;
  }

  /** From 0. */
  at(place: number): Row | undefined {
    return this.#first[place] ?? this.#pages.get(Math.floor(place / PAGE))?.[place % PAGE];
  }

  want(first: number, last: number): void {
    const pages = new Set<number>();
    for (let place = first; place <= last; place += 1)
      if (this.at(place) === undefined) pages.add(Math.floor(place / PAGE));
    this.#wanted = [...pages];
    void this.#load();
  }

  retry(): void {
    this.problem.value = undefined;
    void this.#load();
  }

  stop(): void {
    this.#ending.abort();
  }

  async #load(): Promise<void> {
    if (this.#isRunning || this.problem.peek() !== undefined) return;
    this.#isRunning = true;
    try {
      for (let page = this.#next(); page !== undefined; page = this.#next()) await this.#read(page);
    } catch (thrown) {
      if (!this.#ending.signal.aborted) this.problem.value = asProblem(thrown);
    }
    this.#isRunning = false;
  }

  #next(): number | undefined {
    return this.#wanted.find((page) => (this.#pages.get(page)?.length ?? 0) < this.#sizeOf(page));
  }

  #sizeOf(page: number): number {
    return Math.min(PAGE, this.count - page * PAGE);
  }

  /** An answer may hold less than was asked for. */
  async #read(page: number): Promise<void> {
    const known = this.#pages.get(page) ?? [];
    const query = { from: page * PAGE + known.length + 1, limit: this.#sizeOf(page) - known.length };
    const { rows } = await this.#api.rows(this.#session, this.#step, query, this.#ending.signal);
    this.#pages.delete(page);
    this.#pages.set(page, [...known, ...rows]);
    if (this.#pages.size > PAGES_MAX) this.#pages.delete(this.#pages.keys().next().value!);
    // Less than was said: nobody asks for it again and again.
    if (rows.length === 0) this.#wanted = this.#wanted.filter((one) => one !== page);
    this.version.value += 1;
  }
}
