/** How evenly many long sessions are served. */

export interface Fairness {
  /** Of each process that has any, the fewest first. */
  readonly sessions: readonly number[];
  /** Of all that clients sent, which is as much for each transaction, what each process took in: its part, in the order of `sessions`. */
  readonly parts: readonly number[];
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

/** `sockets`: late, while all are there. `counts`: the transactions of each session. */
export function fairness(sockets: string, counts: readonly number[]): Fairness {
  const sorted = counts.toSorted((one, other) => one - other);
  const sum = counts.reduce((all, one) => all + one, 0);
  const squares = counts.reduce((all, one) => all + one * one, 0);
  return {
    ...byProcess(socketsByProcess(sockets)),
    least: sorted[0] ?? Number.NaN,
    median: sorted[sorted.length >> 1] ?? Number.NaN,
    most: sorted.at(-1) ?? Number.NaN,
    index: (sum * sum) / (counts.length * squares),
  };
}

/** What a process has of clients. */
interface Held {
  sockets: number;
  /** That came over them so far. */
  bytes: number;
}

/** From what `ss -pi` prints: who holds how many sockets, and what came over them. */
export function socketsByProcess(sockets: string): Map<number, Held> {
  const held = new Map<number, Held>();
  for (const line of sockets.split('\n')) {
    const pid = numberIn(line, /\bpid=(\d+)/);
    if (pid === undefined) continue;
    const known = held.get(pid) ?? { sockets: 0, bytes: 0 };
    known.sockets += 1;
    known.bytes += numberIn(line, /\bbytes_received:(\d+)/) ?? 0;
    held.set(pid, known);
  }
  return held;
}

function numberIn(line: string, pattern: RegExp): number | undefined {
  const found = pattern.exec(line)?.[1];
  return found === undefined ? undefined : Number(found);
}

function byProcess(held: ReadonlyMap<number, Held>) {
  const all = [...held.values()].sort((one, other) => one.sockets - other.sockets);
  const sum = all.reduce((total, { bytes }) => total + bytes, 0);
  return { sessions: all.map(({ sockets }) => sockets), parts: all.map(({ bytes }) => bytes / sum) };
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
  const { sessions, parts, least, median, most, index } = of;
  const took = parts.map((part) => `${(100 * part).toFixed(1)} %`).join(' + ');
  return `${contender}: sessions by process ${sessions.join(' + ')}, which did ${took} of the work; transactions of a session ${least} to ${most}, median ${median}; Jain's index ${index.toFixed(4)}`;
}
