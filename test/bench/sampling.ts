/** What is looked at to know what a run cost. */
import type { Contender } from './contender.ts';
import { cpuSeconds, machineCpuSeconds } from './machine.ts';
import type { Sample } from './steady.ts';
import { type Seconds, secondsSince, threadSeconds } from './threads.ts';

export function sampleOf(contender: Contender): Sample {
  const pids = contender.processes();
  return {
    seconds: performance.now() / 1000,
    // PostgreSQL itself is nobody's cost.
    cpu: pids.length === 0 ? Number.NaN : cpuSeconds(pids),
    machineCpu: machineCpuSeconds(),
    threads: threadSeconds(pids),
  };
}

export interface Cost {
  /** CPU seconds. */
  readonly cpu: number;
  readonly machineCpu: number;
  readonly threads: Seconds;
}

/** All that it cost, with what was left to do when the client had gone: the seals of its sessions. */
export async function costWithSeals<T>(
  contender: Contender,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly cost: Cost }> {
  const before = sampleOf(contender);
  const result = await work();
  await contender.settled?.();
  const after = sampleOf(contender);
  const cost = {
    cpu: after.cpu - before.cpu,
    machineCpu: after.machineCpu - before.machineCpu,
    threads: secondsSince(before.threads, after.threads),
  };
  return { result, cost };
}

/** For a million transactions, or for 10^9 bytes. */
export function perUnit({ cpu, machineCpu, threads }: Cost, units: number): Cost {
  const divided = Object.entries(threads).map(([name, seconds]) => [name, seconds / units] as const);
  return { cpu: cpu / units, machineCpu: machineCpu / units, threads: Object.fromEntries(divided) };
}
