import { expect, it } from 'vitest';
import { fairness, socketsByProcess, transactionsBySession } from '#test/bench/scaling/fairness.ts';
import { latencies, type Logged } from '#test/bench/latencies.ts';
import { eventsPerTurn } from '#test/bench/loop-turns.ts';
import { commitTable, parseCommits } from '#test/bench/commits.ts';

it('leaves the first second out of latencies', () => {
  const slow = Array.from({ length: 50 }, (_, at): Logged => [100 + at / 50, 90_000]);
  const rest = Array.from({ length: 100 }, (_, at): Logged => [101 + at / 10, (at + 1) * 1_000]);
  expect(latencies([...rest, ...slow])).toEqual({ p50: 51, p99: 100 });
});

it('sums events and turns of threads of one kind, within the time', () => {
  const turn = (at: number, thread: string, loopCount: number, events: number) => ({
    at,
    thread,
    loopCount,
    events,
  });
  const turns = [
    turn(1, 'relay 7', 0, 0),
    turn(2, 'relay 7', 100, 100),
    turn(2, 'relay 8', 50, 70),
    turn(4, 'relay 7', 200, 400),
    turn(4, 'relay 8', 150, 170),
    turn(4, 'recorder 7', 9, 9),
    turn(9, 'relay 7', 900, 9_000),
  ];
  const { relay } = eventsPerTurn(turns, 2, 5);
  expect(relay).toBe((300 + 100) / 200);
});

it('reads what a gateway says of its commits, without stages that nothing passed', () => {
  const stage = { count: 3, mean: 120.4, p50: 110, p90: 150, p99: 190, max: 200, buckets: [[50, 110]] };
  const line = JSON.stringify({
    ...{ commits: 3, waitedMs: 1, gather: { count: 0 } },
    ...{ write: stage, sessions: { ...stage, mean: 1.25, p50: 1, p90: 2, p99: 2, max: 2 } },
  });
  const times = parseCommits(line);
  expect(Object.keys(times.stages)).toEqual(['write', 'sessions']);
  expect(commitTable(times).split('\n')).toEqual([
    '3 commits, µs  mean  p50  p90  p99  max',
    'write          120   110  150  190  200',
    'sessions       1.3   1.0  2.0  2.0  2.0',
  ]);
});

it('counts sessions by process from sockets, and transactions by session', () => {
  const socket = (pid: number, bytes: number): string =>
    `0 0 127.0.0.1:17405 127.0.0.1:40000 users:(("relay",pid=${pid},fd=30)) bbr rto:200 bytes_received:${bytes} segs_out:9`;
  const sockets = [socket(12, 400), socket(13, 200), socket(12, 350)].join('\n');
  expect([...socketsByProcess(sockets)]).toEqual([
    [12, { sockets: 2, bytes: 750 }],
    [13, { sockets: 1, bytes: 200 }],
  ]);
  expect(fairness(sockets, [1])).toMatchObject({ sessions: [1, 2], parts: [200 / 950, 750 / 950] });
  expect(transactionsBySession(['0 1 400 0 5 6', '2 1 400 0 5 6', '2 2 400 0 5 6', ''], 3)).toEqual([
    1, 0, 2,
  ]);
});

it('is fair when all get the same, and says so when one gets everything', () => {
  expect(fairness('', [5, 5, 5, 5])).toMatchObject({ least: 5, most: 5, index: 1 });
  expect(fairness('', [20, 0, 0, 0])).toMatchObject({ least: 0, most: 20, index: 0.25 });
});
