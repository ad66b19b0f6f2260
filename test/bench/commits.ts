/** Where the time of a write-ahead commit goes, from what a gateway writes with CUSTODY_COMMIT_STAMPS. */
import { existsSync, readFileSync } from 'node:fs';
import { columns } from './columns.ts';
import type { Contender } from './contender.ts';
import { until } from './settled.ts';

/** In their order: what each is stands in fargate-proxy/recorder/commit-stamps.ts. All but the last are microseconds. */
const STAGES = ['gather', 'wake', 'sign', 'write', 'tell', 'whole', 'wait', 'sessions'] as const;
/** SIGUSR2 in the mask of caught signals in /proc/PID/status. */
const USR2_BIT = 1n << 11n;

export interface Spread {
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** Of one run. A stage that nothing passed through is left out. */
export interface CommitTimes {
  readonly commits: number;
  readonly stages: Readonly<Record<string, Spread>>;
}

/** Lets the gateway count anew from here on. */
export async function forgetCommits(contender: Contender): Promise<void> {
  await commitTimes(contender);
}

/**
 * What it counted since it was asked last; of the process with most commits. Undefined where nobody counts: an older checkout does
 * not, and would die of the signal.
 */
export async function commitTimes({ commitsFile, processes }: Contender): Promise<CommitTimes | undefined> {
  if (commitsFile === undefined) return undefined;
  const asked = processes().filter(catchesUsr2);
  const times = await Promise.all(asked.map((pid) => nextLine(`${commitsFile}.${pid}`, pid)));
  return times.map(parseCommits).sort((one, other) => other.commits - one.commits)[0];
}

export function parseCommits(line: string): CommitTimes {
  const { commits, ...written } = JSON.parse(line) as { commits: number } & Record<
    string,
    Spread & { count: number }
  >;
  const stages = STAGES.flatMap((stage) => {
    const { count, mean, p50, p90, p99, max } = written[stage] ?? { count: 0 };
    return count === 0 ? [] : [[stage, { mean, p50, p90, p99, max }] as const];
  });
  return { commits, stages: Object.fromEntries(stages) as Record<string, Spread> };
}

export function commitTable({ commits, stages }: CommitTimes): string {
  const cells = (stage: string, { mean, p50, p90, p99, max }: Spread): string[] => [
    stage,
    ...[mean, p50, p90, p99, max].map((value) => value.toFixed(stage === 'sessions' ? 1 : 0)),
  ];
  return columns([
    [`${commits} commits, µs`, 'mean', 'p50', 'p90', 'p99', 'max'],
    ...Object.entries(stages).map(([stage, spread]) => cells(stage, spread)),
  ]);
}

async function nextLine(file: string, pid: number): Promise<string> {
  const before = linesOf(file).length;
  process.kill(pid, 'SIGUSR2');
  await until(() => linesOf(file).length > before, `${file} gets no line`);
  return linesOf(file).at(-1)!;
}

/** Whole ones. */
function linesOf(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
}

function catchesUsr2(pid: number): boolean {
  const [, mask] = /^SigCgt:\s+([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return (BigInt(`0x${mask ?? '0'}`) & USR2_BIT) !== 0n;
}
