import { describe, expect, it } from 'vitest';
import type { JournalEntry } from '#core/recording/ports.ts';
import { CommitStamps, StampedJournal } from '#proxy/recorder/commit-stamps.ts';

let now = 0;
const clock = (): number => now;

describe('stamps of a commit', () => {
  it('give each stage its share, in microseconds, and begin anew with each line', () => {
    const stamps = new CommitStamps(clock);
    for (const [at, does] of [
      [1, () => stamps.waits()],
      [1.5, () => stamps.asks()],
      [2, () => stamps.waits()],
      [7, () => stamps.told(2, { taken: 2.5, signed: 4, written: 5.25, sessions: 3 })],
    ] as const) {
      now = at;
      does();
    }
    const line = JSON.parse(stamps.line());
    const p50 = Object.fromEntries(
      ['gather', 'wake', 'sign', 'write', 'tell', 'whole'].map((stage) => [stage, line[stage].p50]),
    );
    // The histogram keeps three digits.
    expect(p50).toEqual({ gather: 500, wake: 1000, sign: 1500, write: 1250, tell: 1750, whole: 6003 });
    expect(line).toMatchObject({ commits: 1, waitedMs: 11, sessions: { p99: 3 }, waits: { p50: 2 } });
    expect(line.wait).toMatchObject({ count: 2, max: 6003 });
    expect(JSON.parse(stamps.line())).toMatchObject({ commits: 0, waitedMs: 0, wait: { count: 0 } });
  });

  it('are none of a commit for which nobody waited', () => {
    const stamps = new CommitStamps(clock);
    stamps.asks();
    stamps.told(0, { taken: 8, signed: 8, written: 9, sessions: 1 });
    expect(JSON.parse(stamps.line())).toMatchObject({ commits: 0 });
  });

  it('of the journal are those of the append that was made since it was taken', async () => {
    const entries = [{}, {}] as JournalEntry[];
    const stamped = new StampedJournal(
      { append: async () => void (now += 2), release: () => undefined },
      clock,
    );
    now = 10;
    await stamped.append(entries);
    expect(stamped.times(11)).toBeUndefined();
    await stamped.append(entries);
    expect(stamped.times(12)).toEqual({ taken: 12, signed: 12, written: 14, sessions: 2 });
    expect(stamped.times(12)).toBeUndefined();
  });
});
