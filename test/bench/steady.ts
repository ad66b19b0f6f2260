/**
 * The steady part of a run of pgbench: from its first line of progress, about a second after all have connected, to its last.
 * Opening connections is seen apart, and what the first second costs above the others is no part of either rate or cost.
 */
import { type Seconds, secondsSince } from './threads.ts';

/** What is looked at each time pgbench says how far it is. */
export interface Sample {
  readonly seconds: number;
  /** CPU seconds. */
  readonly cpu: number;
  readonly machineCpu: number;
  readonly threads: Seconds;
}

export interface Steady {
  readonly seconds: number;
  readonly transactions: number;
  readonly cpu: number;
  readonly machineCpu: number;
  readonly threads: Seconds;
  /** CPU seconds of the contender that opening its connections took. */
  readonly openingCpu: number;
}

const PROGRESS = /^progress: [\d.]+ s, ([\d.]+) tps/;

/** Takes what pgbench says. `look` is asked once now, before it starts, and at each of its lines of progress. */
export class SteadyPart {
  readonly #look: () => Sample;
  readonly #before: Sample;
  #first: { readonly sample: Sample; readonly tps: number } | undefined;
  #last: Sample | undefined;
  #transactions = 0;

  constructor(look: () => Sample) {
    this.#look = look;
    this.#before = look();
  }

  line(text: string): void {
    const tps = Number(PROGRESS.exec(text)?.[1] ?? Number.NaN);
    if (Number.isNaN(tps)) return;
    const sample = this.#look();
    if (this.#first === undefined) this.#first = { sample, tps };
    else this.#transactions += tps * (sample.seconds - this.#last!.seconds);
    this.#last = sample;
  }

  /** Undefined when it was too short for two lines of progress. */
  taken(): Steady | undefined {
    const [first, last] = [this.#first, this.#last];
    if (first === undefined || last === undefined || this.#transactions === 0) return undefined;
    const cpu = last.cpu - first.sample.cpu;
    const ofFirstSecond = (cpu / this.#transactions) * first.tps;
    return {
      seconds: last.seconds - first.sample.seconds,
      transactions: this.#transactions,
      cpu,
      machineCpu: last.machineCpu - first.sample.machineCpu,
      threads: secondsSince(first.sample.threads, last.threads),
      openingCpu: first.sample.cpu - this.#before.cpu - ofFirstSecond,
    };
  }
}
