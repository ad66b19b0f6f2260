import type { CommitTimes } from './commits.ts';

/** What one run of a workload on one contender came to. */
export interface Measure {
  /** What is compared: transactions, bytes or connections a second; bytes for memory. */
  readonly rate: number;
  /** CPU seconds of the contender itself for 10^6 transactions, or for 10^9 bytes. */
  readonly cpu: number;
  /** CPU seconds of the whole machine for the same. */
  readonly machineCpu: number;
  /** Milliseconds, where latencies were measured. */
  readonly p50?: number;
  readonly p99?: number;
  /** `cpu`, by the names of the contender's threads. */
  readonly threads?: Readonly<Record<string, number>>;
  /** CPU milliseconds of the contender to open one connection, where that is not what the workload is about. */
  readonly openingMs?: number;
  /** Events that a turn of the loop took, by the names of the gateway's threads. */
  readonly events?: Readonly<Record<string, number>>;
  /** Where its commits' time went, where that was asked for. */
  readonly commits?: CommitTimes;
}
