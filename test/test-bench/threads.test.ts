import { expect, it } from 'vitest';
import { parseStat, processTree, secondsSince, threadSeconds } from '#test/bench/threads.ts';

it('reads the CPU of a thread whose name has blanks and brackets', () => {
  const line = '12 (a (b) c) S 1 1 1 0 -1 4194560 6 7 8 9 150 50 0 0 20 0 1 0 5 6';
  expect(parseStat(line)).toEqual({ name: 'a (b) c', seconds: 2 });
  expect(parseStat('')).toBeUndefined();
});

it('sums this process by the names of its threads', () => {
  const names = Object.keys(threadSeconds([process.pid]));
  expect(names.length).toBeGreaterThan(1);
  expect(names).toContain('MainThread');
  expect(threadSeconds([])).toEqual({});
});

it('finds what a process has started', () => {
  expect(processTree(process.ppid)).toContain(process.pid);
  expect(processTree(process.pid)).toContain(process.pid);
});

it('leaves out who used nothing since', () => {
  const seconds = secondsSince({ relay: 1, idle: 3 }, { relay: 1.5, idle: 3, new: 0.25 });
  expect(seconds).toEqual({ relay: 0.5, new: 0.25 });
});
