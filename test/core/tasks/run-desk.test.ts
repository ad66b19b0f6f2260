import { describe, expect, it } from 'vitest';
import { leafBytes } from '#core/ledger/leaf.ts';
import type { Run } from '#core/tasks/run.ts';
import { RunDesk, type RunDeskPorts } from '#core/tasks/run-desk.ts';
import { runLeaf } from '#core/tasks/run-leaves.ts';
import { deviated, endRun, endTask } from '#core/tasks/run-lifecycle.ts';
import { startTask } from '#core/tasks/run-start-task.ts';
import { DANA, ended, NOW, REFUNDS, type RunStand, runId, runStand, sessionOf } from './run-support.ts';

const START = { by: DANA, policy: 'a'.repeat(64), inputs: { customer: '7' } };
const begins =
  (n: number, task = 'find') =>
  (run: Run) =>
    startTask(run, REFUNDS, task, sessionOf(n), NOW);
const leavesOf = (run: Run): string[] =>
  Array.from({ length: run.steps.length + 1 }, (_, number) =>
    Buffer.from(leafBytes(runLeaf(run, number))).toString(),
  );
const leavesIn = ({ log }: RunStand) => log.filter((one) => typeof one === 'string');

describe('RunDesk', () => {
  it('starts a run: its workflow is stored, then it, and the ledger has it', async () => {
    const stand = runStand();
    const run = await stand.desk.start(REFUNDS, START);
    expect(await stand.runs.get(runId(1))).toEqual(run);
    expect(stand.texts.get(REFUNDS.digest)).toBe(REFUNDS.text);
    expect(stand.log).toEqual(leavesOf(run));
  });

  it('starts nothing where the workflow cannot be stored', async () => {
    const failing = { put: () => Promise.reject(new Error('no store')) };
    const stand = runStand((ports) => ({ ...ports, texts: failing }));
    await expect(stand.desk.start(REFUNDS, START)).rejects.toThrow('no store');
    expect((await stand.runs.list({ limit: 10 })).runs).toEqual([]);
  });

  it('starts one run for one key, and refuses the key for another', async () => {
    const { desk, runs } = runStand();
    const run = await desk.start(REFUNDS, START, 'key');
    expect(await desk.start(REFUNDS, START, 'key')).toEqual(run);
    expect((await runs.list({ limit: 10 })).runs).toHaveLength(1);
    const conflict = { code: 'conflict' };
    await expect(desk.start(REFUNDS, { ...START, inputs: { customer: '8' } }, 'key')).rejects.toMatchObject(
      conflict,
    );
    const actors = [{ issuer: 'i', subject: 'agent' }];
    await expect(desk.start(REFUNDS, { ...START, by: { ...DANA, actors } }, 'key')).rejects.toMatchObject(
      conflict,
    );
  });

  it('enters each step, and tells of what was stopped and of results', async () => {
    const stand = runStand();
    const { id } = await stand.desk.start(REFUNDS, START);
    const { at: _at, kind: _kind, ...result } = ended(1) as never as Record<string, never>;
    const what = { task: 'find', session: sessionOf(1), deviation: 'origin', how: 'stopped' } as const;
    await stand.desk.change(id, begins(1));
    await stand.desk.change(id, (run, now) => deviated(run, what, now));
    await stand.desk.change(id, (run, now) =>
      deviated(run, { ...what, session: sessionOf(2), how: 'recorded' }, now),
    );
    await stand.desk.change(id, (run, now) => endTask(run, result as never, now));
    const run = await stand.desk.change(id, (found, now) => endRun(found, DANA, undefined, now));
    expect(leavesIn(stand)).toEqual(leavesOf(run));
    expect(stand.log.filter((one) => typeof one !== 'string')).toMatchObject([
      { id: `${id}/2`, kind: 'run-deviated', task: 'find', deviation: 'origin', how: 'stopped' },
      { id: `${id}/4`, kind: 'task-ended', verdict: 'kept' },
    ]);
  });

  it('lets exactly as many sessions have a task as may, of many at once', async () => {
    const stand = runStand();
    const { id } = await stand.desk.start(REFUNDS, START);
    const done = await Promise.allSettled(
      Array.from({ length: 20 }, (_, n) => stand.desk.change(id, begins(n + 1))),
    );
    expect(done.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
    const refused = done.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
    for (const reason of refused) expect(reason).toMatchObject({ code: 'task-refused' });
    const run = await stand.runs.get(id);
    expect(new Set(leavesIn(stand))).toEqual(new Set(leavesOf(run)));
  });

  it('takes a step whose answer was lost for its own', async () => {
    const stand = runStand((ports) => ({ ...ports, runs: losing(ports.runs) }));
    await expect(stand.desk.start(REFUNDS, START)).resolves.toBeDefined();
    const run = await stand.desk.change(runId(1), begins(1));
    expect(run.steps).toHaveLength(1);
    expect(new Set(leavesIn(stand))).toEqual(new Set(leavesOf(run)));
  });

  it('tells what somebody left behind who died at any moment', async () => {
    for (let moment = 1; moment < 12; moment += 1) {
      const stand = runStand();
      const dying = new RunDesk(mortal(stand.ports, moment));
      await dying.start(REFUNDS, START).catch(() => undefined);
      await dying.change(runId(1), begins(1)).catch(() => undefined);
      await stand.desk.tellAll();
      for (const run of (await stand.runs.list({ limit: 10 })).runs)
        expect(new Set(leavesIn(stand))).toEqual(new Set(leavesOf(run)));
      expect(await stand.runs.untold(10)).toEqual([]);
    }
  });
});

/** The first append happens, and its writer hears that somebody else changed the run: as a retried request does. */
function losing(runs: RunDeskPorts['runs']): RunDeskPorts['runs'] {
  let lost = false;
  return {
    ...bound(runs),
    append: async (...given) => {
      await runs.append(...given);
      if (lost) return;
      lost = true;
      await runs.append(...given);
    },
  };
}

function bound(runs: RunDeskPorts['runs']): RunDeskPorts['runs'] {
  return {
    create: (...given) => runs.create(...given),
    append: (...given) => runs.append(...given),
    get: (id) => runs.get(id),
    keyOf: (id) => runs.keyOf(id),
    untold: (...given) => runs.untold(...given),
    told: (...given) => runs.told(...given),
  };
}

/** From the `moment`th call on, nothing answers any more. */
function mortal(ports: RunDeskPorts, moment: number): RunDeskPorts {
  let calls = 0;
  const alive = <A extends readonly unknown[], R>(work: (...given: A) => Promise<R>) => {
    return async (...given: A): Promise<R> => {
      calls += 1;
      if (calls >= moment) throw new Error('died');
      return work(...given);
    };
  };
  const { runs } = ports;
  return {
    ...ports,
    runs: {
      create: alive((...given) => runs.create(...given)),
      append: alive((...given) => runs.append(...given)),
      get: alive((id) => runs.get(id)),
      keyOf: alive((id) => runs.keyOf(id)),
      untold: alive((...given) => runs.untold(...given)),
      told: alive((...given) => runs.told(...given)),
    },
    leaves: { add: alive((leaf) => ports.leaves.add(leaf)) },
    stream: { tell: alive((news) => ports.stream.tell(news)) },
    texts: { put: alive((workflow) => ports.texts.put(workflow)) },
  };
}
