import { describe, expect, test } from 'vitest';
import type { Run, RunTask } from '../../../console/api/runs.ts';
import { standingOf } from '../../../console/runs/standing.ts';
import { aTask } from './support.ts';

const run = (tasks: readonly RunTask[], more: Partial<Run> = {}) => ({
  state: 'running' as const,
  isCurrent: true,
  tasks,
  ...more,
});
const before = (more: object): RunTask => aTask('find', more);
const task = (more: object = {}): RunTask =>
  aTask('refund', { after: ['find'], waitsFor: ['find'], state: 'waiting', ...more });

describe('whether a task may begin', () => {
  test.each<[what: string, is: string, words: RegExp, task: RunTask, run: Parameters<typeof standingOf>[1]]>([
    ['it may', 'may', /you may run it/, task({ waitsFor: [] }), run([])],
    ['others may', 'cannot', /none of those/, task({ waitsFor: [], mayRun: false }), run([])],
    ['nothing ran', 'waits', /find, which has not run yet/, task(), run([before({ state: 'ready' })])],
    ['the one before runs', 'waits', /which runs/, task(), run([before({ state: 'running' })])],
    [
      'the one before may run again',
      'waits',
      /may run again/,
      task(),
      run([before({ state: 'deviated', left: 1 })]),
    ],
    [
      'the one before may not run again',
      'cannot',
      /left its contract and may not run again. Start a new run/,
      task(),
      run([before({ state: 'deviated', left: 0 })]),
    ],
    ['it runs', 'cannot', /It runs/, task({ left: 0, state: 'running' }), run([])],
    [
      'it was kept',
      'cannot',
      /as often as it may in one run: once\.$/,
      task({ left: 0, state: 'kept' }),
      run([]),
    ],
    [
      'it deviated',
      'cannot',
      /3 times\. Start a new run/,
      task({ left: 0, runs: 3, state: 'deviated' }),
      run([]),
    ],
    ['the run was ended', 'cannot', /was ended/, task(), run([], { state: 'ended' })],
    ['the run is over', 'cannot', /time of the run is over/, task(), run([], { state: 'expired' })],
    ['the run is done', 'cannot', /Every task/, task(), run([], { state: 'done' })],
    ['the workflow changed', 'cannot', /was changed/, task(), run([], { isCurrent: false })],
  ])('%s', (_, is, words, of, within) => {
    expect(standingOf(of, within)).toEqual({ is, words: [expect.stringMatching(words)] });
  });

  test('says each task that it waits for', () => {
    const all = [before({ state: 'running' }), aTask('load', { state: 'ready' })];
    const { words } = standingOf(task({ after: ['find', 'load'], waitsFor: ['find', 'load'] }), run(all));
    expect(words).toEqual([
      expect.stringContaining('find, which runs'),
      expect.stringContaining('load, which has not run'),
    ]);
  });
});
