/** How evenly many long sessions are served. */

export interface Fairness {
  /** Of each process that has any, the fewest first. */
  readonly sessions: readonly number[];
  /** Transactions of a session: the least, the median and the most of any. */
  readonly least: number;
  readonly median: number;
  readonly most: number;
  /**
   * Jain's index: 1 when all get the same, 1/n when one of n gets everything
   * (R. Jain, D. Chiu, W. Hawe, "A Quantitative Measure of Fairness and Discrimination", 1984).
   */
  readonly index: number;
}

/** `counts`: the transactions of each session. */
export function fairness(sockets: string, counts: readonly number[]): Fairness {
  const sorted = counts.toSorted((one, other) => one - other);
  const sum = counts.reduce((all, one) => all + one, 0);
  const squares = counts.reduce((all, one) => all + one * one, 0);
  return {
    sessions: [...sessionsByProcess(sockets).values()].sort((one, other) => one - other),
    least: sorted[0] ?? Number.NaN,
    median: sorted[sorted.length >> 1] ?? Number.NaN,
    most: sorted.at(-1) ?? Number.NaN,
    index: (sum * sum) / (counts.length * squares),
  };
}

/** From what `ss -p` prints: who holds how many sockets. */
export function sessionsByProcess(sockets: string): Map<number, number> {
  const held = new Map<number, number>();
  for (const [, pid] of sockets.matchAll(/\bpid=(\d+)/g))
    held.set(Number(pid), (held.get(Number(pid)) ?? 0) + 1);
  return held;
}

/** Lines of pgbench's log begin with the session's number. A session that did nothing counts as well. */
export function transactionsBySession(lines: readonly string[], sessions: number): number[] {
  const counts = Array.from({ length: sessions }, () => 0);
  for (const line of lines) {
    const session = Number(line.slice(0, line.indexOf(' ')));
    if (line !== '' && counts[session] !== undefined) counts[session] += 1;
  }
  return counts;
}

export function fairnessText(contender: string, of: Fairness): string {
  const { sessions, least, median, most, index } = of;
  return `${contender}: sessions by process ${sessions.join(' + ')}; transactions of a session ${least} to ${most}, median ${median}; Jain's index ${index.toFixed(4)}`;
}
