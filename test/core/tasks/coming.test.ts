import { describe, expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import type { Principal } from '#core/identity/principal.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import { type ComingQuestion, comingTask } from '#core/tasks/coming.ts';
import { endRun, endTask } from '#core/tasks/run-lifecycle.ts';
import { startTask } from '#core/tasks/run-start-task.ts';
import { MemoryRuns } from '#test/support/memory-runs.ts';
import { compiledConfig, RUN_KEY, refunds, runOf } from '#test/support/workflows.ts';
import { after, HOUR, ISSUER, NOW, principal } from '../access/support.ts';

const FILE = (workflow = refunds(), disabled = '[]'): string => `version: 1
identity: { issuer: ${ISSUER}, audience: custody, taskClaim: task }
targets:
  db: { protocol: postgres, address: "db:5432", database: d, credential: { user: u, passwordFile: p } }
  other: { protocol: postgres, address: "db:5432", database: d, credential: { user: u, passwordFile: p } }
disabled: ${disabled}
rules: [{ name: all, groups: [clerks, developers], targets: [db, other], allow: [connect] }]
${workflow}`;
const CONFIG = compiledConfig(FILE());
const WORKFLOW = CONFIG.compiled.get('refunds')!;
const session = (n: number): string => newSessionId(NOW.getTime(), Buffer.alloc(10, n));

async function stand() {
  const runs = new MemoryRuns();
  const run = await runs.create(runOf(WORKFLOW, NOW), RUN_KEY);
  const kept = async (task: string, n: number, verdict: 'kept' | 'deviated' = 'kept'): Promise<void> => {
    const now = await runs.get(run.id);
    const begun = startTask(now, WORKFLOW, task, session(n), NOW);
    const withIt = { ...now, steps: [...now.steps, ...begun] };
    const ended = endTask(withIt, { task, session: session(n), verdict, result: 'd'.repeat(64) }, NOW);
    await runs.append(run.id, now.steps.length, [...begun, ...ended]);
  };
  const asks = (task: string, more: Partial<ComingQuestion> & { readonly who?: Principal } = {}) => {
    const { who = principal('dana', ['clerks']), ...rest } = more;
    const named = { run: run.id, task };
    return comingTask(
      { policy: CONFIG, principal: who, named, target: 'db', login: undefined, now: NOW, ...rest },
      runs,
    );
  };
  return { runs, run, kept, asks };
}

const refused = (message: string | RegExp) =>
  expect.objectContaining({ code: 'task-refused', message: expect.stringMatching(message) });

describe('who comes as a task of a run', () => {
  it('is it, where all that the workflow says of it holds', async () => {
    const { asks, run } = await stand();
    const terms = await asks('find');
    expect([terms!.run.id, terms!.workflow.digest, terms!.task.name]).toEqual([
      run.id,
      WORKFLOW.digest,
      'find',
    ]);
    expect(await asks('find', { named: undefined })).toBeUndefined();
  });

  it('is not before the tasks that it comes after have kept their contracts', async () => {
    const { asks, kept } = await stand();
    await expect(asks('refund')).rejects.toEqual(refused(/comes after find, which has not run/));
    await kept('find', 1, 'deviated');
    await expect(asks('refund')).rejects.toEqual(refused(/find, which left its contract/));
    const other = await stand();
    await other.kept('find', 1);
    expect((await other.asks('refund'))!.task.name).toBe('refund');
    await expect(other.asks('report')).rejects.toEqual(refused(/comes after refund/));
  });

  it('is not once more than it may run, after the run, or when that was ended', async () => {
    const { asks, kept, runs, run } = await stand();
    await kept('find', 1);
    await expect(asks('find')).rejects.toEqual(refused(/as often as it may/));
    await expect(asks('refund', { now: after(25 * HOUR) })).rejects.toEqual(refused(/time of the run/));
    const now = await runs.get(run.id);
    await runs.append(run.id, now.steps.length, endRun(now, run.startedBy, undefined, NOW));
    await expect(asks('refund')).rejects.toEqual(refused(/was ended/));
  });

  it('is not where the workflow is another by now', async () => {
    const { asks } = await stand();
    const policy = compiledConfig(FILE(refunds({ onDeviation: 'record' })));
    await expect(asks('find', { policy })).rejects.toEqual(refused(/was changed since this run began/));
  });

  it('is not at another target', async () => {
    const { asks } = await stand();
    await expect(asks('find', { target: 'other' })).rejects.toEqual(refused(/is run at the target db$/));
  });

  it('is nobody whom the task does not name, and to them there is no such run (security case 14)', async () => {
    const { asks, run } = await stand();
    const none = `there is no run ${run.id} of which you may run a task`;
    const outsider = principal('eve', ['developers']);
    const errors = [
      asks('find', { who: outsider }),
      asks('nothing', { who: outsider }),
      asks('find', { who: outsider, target: 'other' }),
      asks('find', {
        who: principal('dana', ['clerks'], { actors: [{ issuer: ISSUER, subject: 'agent' }] }),
      }),
    ];
    for (const error of errors) await expect(error).rejects.toEqual(refused(none));
    const unknown = { run: session(9), task: 'find' };
    await expect(asks('find', { who: outsider, named: unknown })).rejects.toEqual(
      refused(none.replace(run.id, unknown.run)),
    );
  });

  it('learns of the tasks of a run that they may run, and of no other', async () => {
    const { asks } = await stand();
    await expect(asks('nothing')).rejects.toEqual(
      expect.objectContaining({ hint: 'of this run you may run: find, refund, report' }),
    );
  });

  it('is nobody who is disabled: they hear nothing of runs, and decide() refuses them', async () => {
    const { asks } = await stand();
    const policy = compiledConfig(FILE(refunds(), '[{ subject: dana }]'));
    expect(await asks('nothing', { policy })).toBeUndefined();
  });

  it.each([
    ['find', ''],
    ['', session(1)],
    ['Find', session(1)],
    ['find', session(1).toUpperCase()],
    ['find', '../x'],
    ['find', '0d6cfa3e-6d1c-4a61-9f43-0b9a7c1d2e3f'],
    ['find\n', session(1)],
  ])('names both in their very forms: task "%s" of run "%s"', async (task, run) => {
    const { asks, runs } = await stand();
    await expect(asks(task, { named: { run, task } })).rejects.toEqual(
      refused(/not named as they have to be/),
    );
    expect(runs.gets).toBe(0);
  });

  it('fails closed where runs cannot be reached', async () => {
    const { asks, runs } = await stand();
    runs.fail = new CustodyError('store-unavailable', 'no store');
    await expect(asks('find')).rejects.toMatchObject({ code: 'store-unavailable' });
  });
});

describe('a token that was issued for a task (security case 2)', () => {
  const holder = (task: string): Principal => principal('dana', ['clerks'], { task });

  it('is for that task, whether or not the client names it', async () => {
    const { asks, run } = await stand();
    const who = holder(`${run.id}/find`);
    expect((await asks('find', { who }))!.task.name).toBe('find');
    expect((await asks('', { who, named: undefined }))!.task.name).toBe('find');
  });

  it('is for no other, and opens nothing where its own may not run', async () => {
    const { asks, run, kept } = await stand();
    const who = holder(`${run.id}/find`);
    await expect(asks('refund', { who })).rejects.toEqual(refused(/for another task/));
    await expect(asks('find', { who, target: 'other', named: undefined })).rejects.toEqual(
      refused(/at the target/),
    );
    await kept('find', 1);
    await expect(asks('find', { who, named: undefined })).rejects.toEqual(refused(/as often as it may/));
  });

  it('is never taken for a token of another kind, however the run in it is written', async () => {
    const { asks, run } = await stand();
    for (const task of [`${run.id.toUpperCase()}/find`, `${run.id}/`, `${run.id}/Find`, `${run.id}/a/b`])
      await expect(asks('', { who: holder(task), named: undefined })).rejects.toEqual(refused(/not named/));
    expect(await asks('', { who: holder('nightly-build'), named: undefined })).toBeUndefined();
  });
});
