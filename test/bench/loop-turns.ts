/** Events that a turn of the gateway's loops took, from what loop-events.ts writes. */
import { existsSync, readFileSync } from 'node:fs';

/** What one of its threads has done since it began. */
export interface LoopTurns {
  /** Seconds. */
  readonly at: number;
  readonly thread: string;
  readonly loopCount: number;
  readonly events: number;
}

export function readTurns(file: string): LoopTurns[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as LoopTurns);
}

/** By thread's kind, between two times; gateways of several processes are taken together. */
export function eventsPerTurn(turns: readonly LoopTurns[], from: number, to: number): Record<string, number> {
  const within = Map.groupBy(
    turns.filter(({ at }) => at >= from && at <= to),
    ({ thread }) => thread,
  );
  const sums = new Map<string, { loops: number; events: number }>();
  for (const [thread, seen] of within) {
    const [first, last] = [seen[0]!, seen.at(-1)!];
    const kind = thread.split(' ')[0]!;
    const sum = sums.get(kind) ?? { loops: 0, events: 0 };
    sum.loops += last.loopCount - first.loopCount;
    sum.events += last.events - first.events;
    sums.set(kind, sum);
  }
  return Object.fromEntries([...sums].map(([kind, { loops, events }]) => [kind, events / loops]));
}
