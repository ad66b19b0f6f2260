/** CPU of processes by the names that their threads have. */
import { readdirSync, readFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100;

export type Seconds = Readonly<Record<string, number>>;

/** The process and all that it started, and what these started. One that has ended is left out. */
export function processTree(pid: number): number[] {
  return [pid, ...threadsOf(pid).flatMap((thread) => childrenOf(pid, thread).flatMap(processTree))];
}

/** CPU seconds, user and system, by thread's name; threads and processes of the same name together. */
export function threadSeconds(pids: readonly number[]): Seconds {
  const sums: Record<string, number> = {};
  for (const pid of pids)
    for (const thread of threadsOf(pid)) {
      const seen = parseStat(readOr(`/proc/${pid}/task/${thread}/stat`));
      if (seen !== undefined) sums[seen.name] = (sums[seen.name] ?? 0) + seen.seconds;
    }
  return sums;
}

/** Of a line of /proc/PID/stat: names may hold blanks and brackets. Undefined for an empty line: it has ended. */
export function parseStat(line: string): { readonly name: string; readonly seconds: number } | undefined {
  const ends = line.lastIndexOf(')');
  if (ends < 0) return undefined;
  const name = line.slice(line.indexOf('(') + 1, ends);
  const fields = line.slice(ends + 2).split(' ');
  return { name, seconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND };
}

/** What was used since; threads that used nothing are left out. */
export function secondsSince(before: Seconds, now: Seconds): Seconds {
  return Object.fromEntries(
    Object.entries(now)
      .map(([name, seconds]) => [name, seconds - (before[name] ?? 0)] as const)
      .filter(([, seconds]) => seconds > 0),
  );
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

function childrenOf(pid: number, thread: string): number[] {
  return readOr(`/proc/${pid}/task/${thread}/children`).split(' ').filter(Boolean).map(Number);
}

function readOr(path: string, otherwise = ''): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}
