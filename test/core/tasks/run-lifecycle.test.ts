import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { leafBytes, parseLeaf } from '#core/ledger/leaf.ts';
import type { RunStep } from '#core/tasks/run.ts';
import { runLeaf } from '#core/tasks/run-leaves.ts';
import { deviated, digestOf, endRun, endTask, newRun } from '#core/tasks/run-lifecycle.ts';
import { runNews } from '#core/tasks/run-news.ts';
import { refusalOf, startTask } from '#core/tasks/run-start-task.ts';
import { stateOf, taskStatesOf } from '#core/tasks/run-state.ts';
import {
  DANA,
  ended,
  KEY,
  later,
  NOW,
  REFUNDS,
  run,
  runId,
  sessionOf,
  started,
  workflowOf,
} from './run-support.ts';

const made = { id: runId(1), key: KEY, now: NOW };
const begin = (inputs: Record<string, string | null>, more: object = {}) =>
  newRun(REFUNDS, { by: DANA, policy: 'a'.repeat(64), inputs, ...more }, made);
const deviation = (n: number, task = 'find') =>
  ({ task, session: sessionOf(n), deviation: 'origin', how: 'stopped' }) as const;
const states = (steps: readonly RunStep[]) =>
  taskStatesOf({ steps }, REFUNDS).map(({ task, state, left }) => `${task} ${state} ${left}`);

describe('a new run', () => {
  it('has what it began with, and until when tasks may begin', () => {
    const begun = begin({ customer: '7' }, { trace: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` });
    expect(begun).toMatchObject({
      id: runId(1),
      workflow: 'refunds',
      workflowDigest: REFUNDS.digest,
      startedBy: DANA,
      startedAt: '2026-11-29T09:00:00.000Z',
      until: '2026-11-29T11:00:00.000Z',
      inputs: { customer: '7', note: null },
      keyDigest: createHash('sha256').update(KEY).digest('hex'),
      steps: [],
    });
    expect(begun.digest).toBe(digestOf(begun));
  });

  it.each([
    ['missing', {}, 'the input customer is missing'],
    ['of another type', { customer: 'x' }, 'the input customer is not what the workflow has'],
    ['out of its bounds', { customer: '0' }, 'the input customer is not what the workflow has'],
    ['NULL where it may not be', { customer: null }, 'the input customer is not what the workflow has'],
    ['unknown', { customer: '1', other: 'x' }, 'the workflow refunds has no input other'],
    ['of a name that all objects have', { customer: '1', toString: 'x' }, 'has no input toString'],
    ['too long', { customer: '1', note: 'x'.repeat(11) }, 'the input note is not what'],
  ])('refuses an input that is %s', (_, inputs, message) => {
    const refused = { code: 'format-invalid', message: expect.stringContaining(message) as string };
    expect(() => begin(inputs as Record<string, string>)).toThrow(expect.objectContaining(refused));
  });

  it('refuses inputs that are longer than a run can be', () => {
    const long = workflowOf({
      inputs: { a: { type: 'text' }, b: { type: 'text' } },
      tasks: REFUNDS_TASKS,
    });
    const start = {
      by: DANA,
      policy: 'a'.repeat(64),
      inputs: { a: 'x'.repeat(40_000), b: 'x'.repeat(40_000) },
    };
    expect(() => newRun(long, start, made)).toThrow('longer than a run can have');
  });

  it.each([
    '',
    'x',
    `00-${'0'.repeat(32)}-${'2'.repeat(16)}-01`,
    `00-${'A'.repeat(32)}-${'2'.repeat(16)}-01`,
  ])('refuses a trace that is none: %j', (trace) =>
    expect(() => begin({ customer: '1' }, { trace })).toThrow('no W3C traceparent'),
  );

  it('has another digest when anything of its beginning is another', () => {
    const begun = begin({ customer: '7' });
    const others = [
      { ...begun, workflow: 'x' },
      { ...begun, policy: 'b' },
      { ...begun, inputs: { customer: '8' } },
      { ...begun, until: later(1).toISOString() },
      { ...begun, startedBy: { ...DANA, actors: [{ issuer: 'i', subject: 's' }] } },
      { ...begun, keyDigest: 'c' },
      { ...begun, trace: 't' },
    ];
    expect(new Set([begun, ...others].map(digestOf)).size).toBe(others.length + 1);
    expect(digestOf({ ...begun, steps: [started(1)] } as never)).toBe(begun.digest);
  });
});

const REFUNDS_TASKS = {
  t: { target: 'a', by: { groups: ['g'] }, contract: { does: [{ name: 'o', statement: 's' }] } },
};

describe('a task', () => {
  const refusal = (steps: readonly RunStep[], task: string, at = 5, workflow = REFUNDS) =>
    refusalOf(run(steps), workflow, task, later(at));

  it('begins once for one session, however often it is told', () => {
    const first = startTask(run(), REFUNDS, 'find', sessionOf(1), NOW);
    expect(first).toEqual([
      { at: NOW.toISOString(), kind: 'task-started', task: 'find', session: sessionOf(1) },
    ]);
    expect(startTask(run(first), REFUNDS, 'find', sessionOf(1), later(9_999))).toEqual([]);
  });

  it.each([
    ['unknown to its workflow', [], 'none', 'unknown-task', 'no such task'],
    ['named as what all objects have', [], 'toString', 'unknown-task', 'no such task'],
    ['before its predecessor', [], 'refund', 'too-early', 'after find, which has not run yet'],
    ['while its predecessor runs', [started(1)], 'refund', 'too-early', 'which runs'],
    [
      'after a predecessor that left its contract',
      [started(1), ended(1, 'find', 'deviated')],
      'refund',
      'too-early',
      'which left its contract',
    ],
    ['before the second of two', [started(1), ended(1)], 'report', 'too-early', 'after refund'],
    [
      'that ran as often as it may',
      [started(1), ended(1), started(2), ended(2)],
      'find',
      'ran-already',
      '2 times',
    ],
    ['that runs as often as it may', [started(1), started(2)], 'find', 'ran-already', '2 times'],
    [
      'of a run that was ended',
      [{ at: NOW.toISOString(), kind: 'ended', by: DANA }],
      'find',
      'over',
      'was ended',
    ],
  ] as const)('does not begin %s', (_, steps, task, kind, message) => {
    const refused = refusal(steps, task)!;
    expect(refused.kind).toBe(kind);
    expect(refused.error).toMatchObject({ code: 'task-refused', hint: expect.any(String) as string });
    expect(refused.error.message).toContain(message);
    expect(() => startTask(run(steps as readonly RunStep[]), REFUNDS, task, sessionOf(9), later(5))).toThrow(
      refused.error.message,
    );
  });

  it('does not begin when the time of the run is over, and until then it does', () => {
    expect(refusalOf(run(), REFUNDS, 'find', new Date(later(120).getTime() - 1))).toBeUndefined();
    expect(refusal([], 'find', 120)!.kind).toBe('too-late');
  });

  it('does not begin where the workflow is another by now', () => {
    const changed = { ...REFUNDS, digest: 'f'.repeat(64) };
    expect(refusal([], 'find', 5, changed)).toMatchObject({ kind: 'changed' });
  });

  it('does not begin in a session that is another task', () => {
    const steps = [started(1), ended(1)];
    expect(() => startTask(run(steps), REFUNDS, 'refund', sessionOf(1), NOW)).toThrow(
      'this session is the task find already',
    );
  });

  it('begins after predecessors of which one execution kept its contract', () => {
    const steps = [started(1), ended(1, 'find', 'deviated'), started(2), ended(2)];
    expect(refusal(steps, 'refund')).toBeUndefined();
  });

  it('does not begin where the run has as many sessions as a run may have', () => {
    const many = workflowOf({ tasks: { t: { ...REFUNDS_TASKS.t, runs: 10_000 } } });
    const steps = Array.from({ length: 300 }, (_, n) => [
      { ...started(n, 't'), session: String(n) } as RunStep,
    ]).flat();
    const full = { ...run(steps), workflowDigest: many.digest };
    expect(refusalOf(full, many, 't', NOW)!.error.message).toContain('at most 300 sessions');
    expect(refusalOf({ ...full, steps: steps.slice(1) }, many, 't', NOW)).toBeUndefined();
  });

  it('ends once, with one result', () => {
    const { at, kind, ...result } = ended(1) as RunStep & { kind: 'task-ended' };
    expect(() => endTask(run(), result, NOW)).toThrow('has not begun');
    expect(endTask(run([started(1)]), result, later(2))).toEqual([{ at, kind, ...result }]);
    expect(endTask(run([started(1), ended(1)]), result, NOW)).toEqual([]);
    const other = { ...result, result: 'f'.repeat(64) };
    expect(() => endTask(run([started(1), ended(1)]), other, NOW)).toThrow('another result already');
  });

  it('has its first deviation noted, whether or not it began', () => {
    const [noted] = deviated(run([started(1)]), deviation(1), NOW);
    expect(noted).toEqual({ at: NOW.toISOString(), kind: 'deviated', ...deviation(1) });
    expect(deviated(run([started(1), noted!]), { ...deviation(1), deviation: 'value' }, NOW)).toEqual([]);
    expect(deviated(run(), deviation(2), NOW)).toHaveLength(1);
  });

  it('that never begins cannot fill the run with deviations', () => {
    const many = Array.from({ length: 300 }, (_, n) => ({
      ...deviated(run(), deviation(1), NOW)[0]!,
      session: String(n),
    }));
    expect(deviated(run(many), deviation(1), NOW)).toEqual([]);
    expect(deviated(run([started(1), ...many]), deviation(1), NOW)).toHaveLength(1);
  });
});

describe('states', () => {
  it('of tasks follow from the steps', () => {
    expect(states([])).toEqual(['find ready 2', 'refund waiting 1', 'report waiting 1']);
    expect(states([started(1)])).toEqual(['find running 1', 'refund waiting 1', 'report waiting 1']);
    const left = [started(1), ended(1, 'find', 'deviated')];
    expect(states(left)).toEqual(['find deviated 1', 'refund waiting 1', 'report waiting 1']);
    const kept = [...left, started(2), ended(2)];
    expect(states(kept)).toEqual(['find kept 0', 'refund ready 1', 'report waiting 1']);
    expect(states([...kept, started(3, 'refund')])[1]).toBe('refund running 0');
  });

  const all = [started(1), ended(1), started(2, 'refund'), ended(2, 'refund'), started(3, 'report')];
  const done = [...all, ended(3, 'report')];
  const end: RunStep = { at: later(9).toISOString(), kind: 'ended', by: DANA };
  test.each([
    ['running', [], 0],
    ['running', all, 119],
    ['expired', all, 120],
    ['done', done, 9_999],
    ['done', [...done, end], 10],
    ['ended', [...all, end], 10],
    // What still ran when somebody ended it makes it not done.
    ['ended', [...all, end, ended(3, 'report')], 10],
  ] as const)('a run is %s', (state, steps, minutes) => {
    expect(stateOf(run(steps), REFUNDS, later(minutes))).toBe(state);
  });

  it('is ended once', () => {
    expect(endRun(run(), DANA, 'enough', NOW)).toEqual([
      { at: NOW.toISOString(), kind: 'ended', by: DANA, comment: 'enough' },
    ]);
    expect(endRun(run([end]), DANA, undefined, NOW)).toEqual([]);
  });
});

describe('whatever happens to a run', () => {
  /** What sessions try, in any order. */
  const tries = fc.array(
    fc.record({
      what: fc.constantFrom('start', 'end', 'deviate', 'over'),
      task: fc.constantFrom('find', 'refund', 'report', 'none'),
      n: fc.integer({ min: 1, max: 6 }),
      verdict: fc.constantFrom('kept' as const, 'deviated' as const),
      minute: fc.integer({ min: 0, max: 150 }),
    }),
    { maxLength: 40 },
  );

  it('no task begins too often, too early, too late or twice', () => {
    fc.assert(
      fc.property(tries, (all) => {
        let now = run();
        for (const { what, task, n, verdict, minute } of all.toSorted((a, b) => a.minute - b.minute)) {
          const at = later(minute);
          const result = { task, session: sessionOf(n), verdict, result: 'd'.repeat(64) };
          const steps = attempt(() => {
            if (what === 'start') return startTask(now, REFUNDS, task, sessionOf(n), at);
            if (what === 'end') return endTask(now, result, at);
            return what === 'over' ? endRun(now, DANA, undefined, at) : deviated(now, deviation(n, task), at);
          });
          now = { ...now, steps: [...now.steps, ...steps] };
        }
        expectLawful(now.steps);
        for (let number = 0; number <= now.steps.length; number += 1) {
          const leaf = runLeaf(now, number);
          expect(parseLeaf(leafBytes(leaf))).toEqual(leaf);
          expect(runNews(now, number)?.id ?? `${now.id}/${number}`).toBe(`${now.id}/${number}`);
        }
      }),
      { numRuns: 200 },
    );
  });

  function attempt(work: () => readonly RunStep[]): readonly RunStep[] {
    try {
      return work();
    } catch {
      return [];
    }
  }

  function expectLawful(steps: readonly RunStep[]): void {
    const kept = new Set<string>();
    const begun: string[] = [];
    const over = steps.findIndex(({ kind }) => kind === 'ended');
    for (const [at, step] of steps.entries()) {
      if (step.kind === 'task-ended' && step.verdict === 'kept') kept.add(step.task);
      if (step.kind !== 'task-started') continue;
      expect(over < 0 || at < over).toBe(true);
      expect(Date.parse(step.at)).toBeLessThan(later(120).getTime());
      const { after, runs } = REFUNDS.declared.tasks[step.task]!;
      expect(after.every((task) => kept.has(task))).toBe(true);
      begun.push(step.task);
      expect(begun.filter((task) => task === step.task).length).toBeLessThanOrEqual(runs);
    }
    const sessions = steps.flatMap((step) => (step.kind === 'task-started' ? [step.session] : []));
    expect(new Set(sessions).size).toBe(sessions.length);
    const results = steps.flatMap((step) => (step.kind === 'task-ended' ? [step.session] : []));
    expect(new Set(results).size).toBe(results.length);
  }
});
