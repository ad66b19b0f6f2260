import { describe, expect, test } from 'vitest';
import type { ContractCommand, TaskResult } from '../../../console/api/runs.ts';
import { isAsOften, leftOf, ranOf } from '../../../console/runs/happened.ts';
import { newsOf } from '../../../console/runs/news.ts';
import { aTask, executed } from './support.ts';

const result = (...commands: readonly object[]): TaskResult =>
  executed({ commands }).detail as unknown as TaskResult;
const ran = (command: string | undefined, more: object = {}) => ({
  ...(command === undefined ? {} : { command }),
  at: 1,
  tookMs: 2,
  outcome: 'completed',
  ...more,
});

describe('what a command did', () => {
  test('is counted over all sessions, with the place of the first', () => {
    const first = result(ran('pay', { at: 7, affected: 1 }), ran('look', { rows: 5 }));
    const second = result(
      ran('pay', { affected: 2, undone: true }),
      ran('pay', { outcome: 'failed' }),
      ran(undefined),
    );
    expect(ranOf('pay', [first, second])).toMatchObject({
      times: 3,
      failed: 1,
      undone: 1,
      rows: 0,
      affected: 3,
      tookMs: 6,
      first: { session: first.session, at: 7 },
    });
    expect(ranOf(undefined, [first, second]).times).toBe(1);
    expect(ranOf('none', [first, second])).toMatchObject({ times: 0, first: undefined });
  });

  test.each([
    [0, false],
    [1, true],
    [2, true],
    [3, false],
  ])('%i times is as often as 1 to 2: %s', (times, isGood) => {
    const command = { name: 'pay', times: { min: 1, max: 2 } } as ContractCommand;
    expect(isAsOften(command, result(...Array.from({ length: times }, () => ran('pay'))))).toBe(isGood);
  });
});

test('what left a contract is what was stopped before it began, what is known so far, and what results have', () => {
  const at = '2026-11-29T10:00:00.000Z';
  const deviation = { kind: 'value', expected: 'a', seen: 'b', at: 3, how: 'approved', request: 'r' };
  const task = aTask('pay', {
    stopped: [{ session: 's', kind: 'origin', how: 'stopped', at }],
    executions: [
      { ...executed(), deviation: { kind: 'slow', how: 'asked', at } },
      executed(),
      { ...executed({ deviations: [deviation] }), deviation: { kind: 'value', how: 'asked', at } },
    ],
  });
  expect(leftOf(task)).toMatchObject([
    { kind: 'origin', how: 'stopped', hasBegun: false },
    { kind: 'slow', how: 'asked', hasBegun: true, more: undefined },
    { kind: 'value', how: 'approved', more: deviation },
  ]);
});

describe('news', () => {
  const run = (state: 'running' | 'done', ...states: readonly ('ready' | 'running' | 'kept')[]) => ({
    state,
    tasks: states.map((one, at) => aTask(`t${at}`, { state: one })),
  });
  test('say what is other than before', () => {
    expect(newsOf(run('running', 'ready', 'kept'), run('running', 'running', 'kept'))).toBe('t0 running.');
    expect(newsOf(run('running', 'running'), run('done', 'kept'))).toBe('t0 kept. The run is done.');
    expect(newsOf(run('running', 'ready'), run('running', 'ready'))).toBe('');
  });
});
