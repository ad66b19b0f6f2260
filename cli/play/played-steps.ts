import { CustodyError } from '#core/errors.ts';
import type { Placed, Stop } from '#core/replay/play/playback.ts';
import type { ReadStep, ReplayReader } from '#core/replay/reader.ts';
import { READERS } from '#core/replay/readers.ts';
import type { ShownPage, ShownStep, StepPages, StepsAsked } from '../steps/step-page.ts';
import type { PlayedSteps } from './interactive.ts';

/** Steps that are asked for at once: each page that a server gives is a look, and its leaf. */
const PAGE = 50;

/** Steps in any order, out of pages. A page is kept, as the next step is mostly on it. */
export async function playedSteps(pages: StepPages): Promise<PlayedSteps> {
  const end = await pages.page({ direction: 'previous' }, 1);
  const reader = READERS.get(end.protocol);
  if (reader === undefined)
    throw new CustodyError('unsupported', `steps of ${end.protocol} cannot be shown by this custody`, {
      hint: 'use a newer one',
    });
  return new PagedSteps(pages, end, reader);
}

class PagedSteps implements PlayedSteps {
  readonly reader: ReplayReader;
  readonly total: number;
  readonly until: number;
  readonly #pages: StepPages;
  readonly #end: readonly ShownStep[];
  #page: readonly ShownStep[] = [];

  constructor(pages: StepPages, { total, steps }: ShownPage, reader: ReplayReader) {
    this.#pages = pages;
    this.reader = reader;
    this.total = total.steps;
    this.#end = steps;
    this.until = steps.length === 0 ? 0 : this.#read(steps.at(-1)!).step.at;
  }

  async read(number: number): Promise<ReadStep> {
    const found = this.#kept(number) ?? (await this.#fetch({ direction: 'next', from: number }))[0];
    if (found?.number === number) return this.#read(found);
    throw new CustodyError('not-found', `there is no step ${number}`);
  }

  async find(number: number, direction: 'next' | 'previous', stop: Stop): Promise<Placed | undefined> {
    if (stop !== 'step') return this.#search(number, direction, stop);
    const wanted = direction === 'next' ? number + 1 : number - 1;
    if (wanted < 1 || wanted > this.total) return undefined;
    return this.#placed(await this.read(wanted), wanted);
  }

  async atTime(at: number): Promise<Placed | undefined> {
    const [found] = await this.#fetch({ direction: 'next', at: (at / 1e6).toFixed(6) });
    const step = found ?? this.#end.at(-1);
    return step && this.#placed(this.#read(step), step.number);
  }

  /** A page may have looked far and hold nothing: it goes on from where that one stopped. */
  async #search(number: number, direction: 'next' | 'previous', stop: 'error' | 'write') {
    const only = stop === 'error' ? { errors: true as const } : { writes: true as const };
    let cursor: number | undefined = direction === 'next' ? number : Math.max(0, number - 1);
    while (cursor !== undefined) {
      const page: ShownPage = await this.#pages.page({ direction, cursor, ...only }, 1);
      const [found] = page.steps;
      if (found !== undefined) return this.#placed(this.#read(found), found.number);
      cursor = direction === 'next' ? page.next : page.previous;
    }
    return undefined;
  }

  async #fetch(asked: StepsAsked): Promise<readonly ShownStep[]> {
    const { steps } = await this.#pages.page(asked, PAGE);
    this.#page = steps;
    return steps;
  }

  #kept(number: number): ShownStep | undefined {
    return this.#page.find((step) => step.number === number);
  }

  #read({ json }: ShownStep): ReadStep {
    return this.reader.ofJson(json);
  }

  #placed({ step: { at } }: ReadStep, number: number): Placed {
    return { number, at };
  }
}
