/**
 * Times through write-ahead commits, for whoever measures: CUSTODY_COMMIT_STAMPS=FILE in a gateway's environment. A line of JSON goes
 * to FILE.PID on SIGUSR2, which begins anew, and at the end of the process. Without the variable nothing of this runs.
 */
import { appendFileSync } from 'node:fs';
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import type { Journal } from '#core/recording/ports.ts';

/** On the relay's monotonic clock, milliseconds, as the recorder says them with `durable`. */
export interface CommitTimes {
  readonly taken: number;
  /** Blocks are compressed and signed: the journal is asked. */
  readonly signed: number;
  readonly written: number;
  /** Sessions with an entry in it. */
  readonly sessions: number;
}

const STAGES = ['gather', 'wake', 'sign', 'write', 'tell', 'whole', 'wait', 'sessions', 'waits'] as const;
type Stage = (typeof STAGES)[number];

export function stampsFile(env: NodeJS.ProcessEnv): string | undefined {
  return env['CUSTODY_COMMIT_STAMPS'];
}

/** The relay's side: who waits since when, and the histograms. */
export class CommitStamps {
  readonly #now: () => number;
  readonly #waits: number[] = [];
  #asked: number[] = [];
  #histograms = freshHistograms();
  #waitedMs = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** A session begins to wait. */
  waits(): void {
    this.#waits.push(this.#now());
  }

  /** The recorder is asked for a commit. */
  asks(): void {
    this.#asked.push(this.#now());
  }

  /** The oldest `count` who wait are told that all of theirs is durable. */
  told(count: number, times: CommitTimes | undefined): void {
    const now = this.#now();
    const waited = this.#waits.splice(0, count);
    const asked = this.#asked.find((at) => at <= (times?.taken ?? now)) ?? now;
    this.#asked = this.#asked.filter((at) => at > (times?.taken ?? now));
    for (const since of waited) this.#add('wait', now - since);
    this.#waitedMs += waited.reduce((sum, since) => sum + now - since, 0);
    if (times === undefined || waited.length === 0) return;
    this.#add('gather', asked - waited[0]!);
    this.#add('wake', times.taken - asked);
    this.#add('sign', times.signed - times.taken);
    this.#add('write', times.written - times.signed);
    this.#add('tell', now - times.written);
    this.#add('whole', now - waited[0]!);
    this.#histograms.sessions.record(Math.max(1, times.sessions));
    this.#histograms.waits.record(waited.length);
  }

  /** What was counted since the last line. */
  line(): string {
    const histograms = this.#histograms;
    const waitedMs = Math.round(this.#waitedMs);
    this.#histograms = freshHistograms();
    this.#waitedMs = 0;
    return JSON.stringify({
      commits: histograms.whole.count,
      waitedMs,
      ...Object.fromEntries(STAGES.map((stage) => [stage, told(histograms[stage])])),
    });
  }

  /** Writes lines for as long as the process lives. */
  keepWriting(file: string): this {
    const write = (): void => appendFileSync(`${file}.${process.pid}`, `${this.line()}\n`);
    process.on('SIGUSR2', write);
    process.once('exit', write);
    return this;
  }

  /** In whole microseconds; what was at once is one. */
  #add(stage: Stage, ms: number): void {
    this.#histograms[stage].record(Math.max(1, Math.round(ms * 1000)));
  }
}

/** The recorder's side: a journal that remembers when its last append began and ended. */
export class StampedJournal implements Journal {
  readonly now: () => number;
  readonly #journal: Journal;
  #last: Omit<CommitTimes, 'taken'> | undefined;

  constructor(journal: Journal, now: () => number) {
    this.#journal = journal;
    this.now = now;
  }

  get sessionBytesPerS(): number {
    return this.#journal.sessionBytesPerS ?? Number.POSITIVE_INFINITY;
  }

  get appendsAtOnce(): number {
    return this.#journal.appendsAtOnce ?? 1;
  }

  async append(...given: Parameters<Journal['append']>): Promise<void> {
    const signed = this.now();
    await this.#journal.append(...given);
    this.#last = { signed, written: this.now(), sessions: given[0].length };
  }

  release(session: string, segment: number): void {
    this.#journal.release(session, segment);
  }

  /** Of the commit that was taken then and has just been written; none where it brought the journal nothing. */
  times(taken: number): CommitTimes | undefined {
    const last = this.#last;
    this.#last = undefined;
    return last === undefined || last.signed < taken ? undefined : { taken, ...last };
  }
}

function freshHistograms(): Record<Stage, RecordableHistogram> {
  return Object.fromEntries(STAGES.map((stage) => [stage, createHistogram()])) as Record<
    Stage,
    RecordableHistogram
  >;
}

function told(histogram: RecordableHistogram) {
  if (histogram.count === 0) return { count: 0 };
  return {
    count: histogram.count,
    mean: Math.round(histogram.mean * 10) / 10,
    p50: histogram.percentile(50),
    p90: histogram.percentile(90),
    p99: histogram.percentile(99),
    max: histogram.max,
    buckets: [...histogram.percentiles],
  };
}
