import { describe, expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { objectKey, TASK_RESULT } from '#core/recording/layout.ts';
import { sealAbandoned } from '#core/recording/seal.ts';
import { verifyEvidence } from '#core/recording/verify/verify.ts';
import { openResult } from '#core/tasks/proof/statement.ts';
import type { TaskResult } from '#core/tasks/result/result.ts';
import { startTask } from '#core/tasks/run-start-task.ts';
import { executionsOf } from '#core/tasks/run-state.ts';
import { type Derive, noEvidenceDigest, RunSettler, type SettlePorts } from '#core/tasks/settle.ts';
import type { OutputDigests } from '#core/tasks/store.ts';
import { memoryRecorder, opening, slabsOf, textFrame } from '#test/support/recorder.ts';
import { DANA, KEY, later, NOW, runStand, workflowOf } from './run-support.ts';

const OUTPUTS: OutputDigests = {
  columns: new Map([['returned.id', new Set(['1'.repeat(32)])]]),
  streams: new Map(),
};

/** What frames of a session say decides: a stand-in for the derivation, which has tests of its own. */
const derive: Derive = async ({ frames, open, close, run, key, earlier }) => {
  let text = '';
  for await (const { payload } of frames) text += Buffer.from(payload).toString();
  const task = open.value.task!.name;
  const all = executionsOf(run);
  const mine = all.findIndex(({ session: id }) => id === open.value.session);
  const before = all.slice(0, mine).filter(({ ended }) => ended?.verdict === 'kept');
  const taken = await Promise.all(before.map(({ session }) => earlier(session)));
  const result: TaskResult = {
    type: 'custody/task-result/1',
    run: run.id,
    beginning: run.digest,
    workflow: { name: run.workflow, digest: run.workflowDigest },
    task,
    session: open.value.session,
    operator: { issuer: 'https://id.example', subject: 'dev-1', groups: ['developers'] },
    startedAt: open.value.startedAt,
    endedAt: close.value.endedAt,
    verdict: text.includes('drop') ? 'deviated' : 'kept',
    commands: [],
    commandsOmitted: taken.filter((one) => one !== undefined).length,
    deviations: [],
    deviationsOmitted: key.byteLength,
    lineage: [],
    inputs: [],
    outputs: [],
    evidence: { open: open.sha256, close: close.sha256 },
  };
  return { result, outputs: OUTPUTS };
};

const ONCE = workflowOf({
  tasks: {
    find: {
      target: 'orders-db',
      by: { groups: ['g'] },
      runs: 9,
      contract: { does: [{ name: 'a', statement: 's' }] },
    },
  },
});

async function stand(wrap: (ports: SettlePorts) => SettlePorts = (ports) => ports) {
  const parts = memoryRecorder();
  const { desk, runs, log } = runStand();
  const run = await desk.start(ONCE, { by: DANA, policy: 'a'.repeat(64) });
  const ports: SettlePorts = {
    runs,
    desk,
    store: parts.store,
    signer: parts.signer,
    workflowOf: async () => ONCE,
    derive,
    now: () => NOW,
  };
  return { ...parts, runs, desk, log, run, ports, settler: new RunSettler(wrap(ports)) };
}

type Stand = Awaited<ReturnType<typeof stand>>;

/** A session that is the task, as far as its gateway got. */
async function session(
  { recorder, desk, run }: Pick<Stand, 'recorder' | 'desk' | 'run'>,
  n: number,
  text = 'select 1',
  until: 'claimed' | 'closed' = 'closed',
): Promise<string> {
  const task = { run: run.id, workflow: 'refunds', digest: ONCE.digest, name: 'find' };
  const opened = { ...opening(n), task };
  await recorder.open(n, opened, 0);
  await desk.change(run.id, (found) => startTask(found, ONCE, 'find', opened.session, NOW));
  await recorder.commit(slabsOf([textFrame(n, 10, text)], 1));
  const ending = { reason: 'client-closed', endedAt: '2026-11-23T09:01:00.000Z', at: 60_000 } as const;
  if (until === 'closed') await recorder.close(n, ending);
  return opened.session;
}

const resultBeside = ({ store, signer }: Stand, id: string) =>
  openResult(store.objects.get(objectKey(id, TASK_RESULT))!, signer.der);

/** The run has exactly one end for each session, which is the result that lies beside it. */
async function expectSettled(the: Stand, ...sessions: readonly string[]): Promise<void> {
  const run = await the.runs.get(the.run.id);
  const ends = run.steps.filter(({ kind }) => kind === 'task-ended');
  expect(ends).toHaveLength(sessions.length);
  for (const id of sessions) {
    const { result, digest } = resultBeside(the, id);
    const { ended } = executionsOf(run).find((one) => one.session === id)!;
    expect(ended).toMatchObject({ result: digest, verdict: result.verdict });
    const outputs = result.verdict === 'kept' ? OUTPUTS : undefined;
    expect(await the.runs.outputs.get(run.id, id)).toEqual(outputs);
    const evidence = the.store.evidence(id, the.signer.pem);
    const report = await verifyEvidence(evidence, { trustedSigners: [the.signer.der], session: id });
    expect([report.verdict, report.findings]).toEqual(['verified', []]);
  }
  expect(await the.runs.untold(10)).toEqual([]);
}

describe('RunSettler', () => {
  it('derives, signs, puts and enters the result of a sealed session', async () => {
    const the = await stand();
    const [kept, left] = [await session(the, 1), await session(the, 2, 'drop table orders')];
    expect(await the.settler.settle(the.run.id)).toEqual({ settled: 2, failures: [] });
    await expectSettled(the, kept, left);
    expect(resultBeside(the, left).result.verdict).toBe('deviated');
    expect(await the.runs.outputs.get(the.run.id, left)).toBeUndefined();
    expect(resultBeside(the, kept).result.deviationsOmitted).toBe(KEY.byteLength);
  });

  it('leaves a session alone that runs', async () => {
    const the = await stand();
    const id = await session(the, 1, 'select 1', 'claimed');
    expect(await the.settler.settle(the.run.id)).toEqual({ settled: 0, failures: [] });
    expect(executionsOf(await the.runs.get(the.run.id))).toMatchObject([{ session: id }]);
    expect(await the.runs.unsettled(10)).toEqual([the.run.id]);
  });

  it('settles one whose gateway died once the sealer has sealed it', async () => {
    const the = await stand();
    const id = await session(the, 1, 'select 1', 'claimed');
    expect(await sealAbandoned(the.journal.remains(), the, NOW)).toEqual({ sealed: 1, failures: [] });
    await the.settler.settleAll();
    await expectSettled(the, id);
  });

  it('settles all runs, and the run of a session', async () => {
    const the = await stand();
    const other = await the.desk.start(ONCE, { by: DANA, policy: 'a'.repeat(64) });
    const first = await session(the, 1);
    const second = await session({ ...the, run: other }, 2);
    expect(await the.settler.settleSession(second)).toEqual({ settled: 1, failures: [] });
    expect(await the.settler.settleAll()).toEqual({ settled: 1, failures: [] });
    expect(await the.settler.settleAll()).toEqual({ settled: 0, failures: [] });
    await expectSettled(the, first);
    await expectSettled({ ...the, run: other }, second);
    expect(await the.settler.settleSession(opening(9).session)).toEqual({ settled: 0, failures: [] });
  });

  it('enters a session that has no evidence at all as one that left its contract, an hour later', async () => {
    let now = NOW;
    const the = await stand((ports) => ({ ...ports, now: () => now }));
    const { session: id } = opening(1);
    await the.desk.change(the.run.id, (found) => startTask(found, ONCE, 'find', id, NOW));
    expect(await the.settler.settle(the.run.id)).toEqual({ settled: 0, failures: [] });
    now = later(60);
    expect(await the.settler.settle(the.run.id)).toEqual({ settled: 1, failures: [] });
    const [{ ended }] = executionsOf(await the.runs.get(the.run.id)) as unknown as [{ ended: object }];
    expect(ended).toMatchObject({ verdict: 'deviated', result: noEvidenceDigest(the.run, 'find', id) });
    expect(the.store.objects.has(objectKey(id, TASK_RESULT))).toBe(false);
  });

  it('derives the outputs of an earlier execution again where they are gone', async () => {
    const the = await stand();
    const first = await session(the, 1);
    await the.settler.settle(the.run.id);
    const forgotten = { put: async () => undefined, get: async () => undefined };
    const { runs: known } = the;
    const runs: SettlePorts['runs'] = {
      get: (id) => known.get(id),
      keyOf: (id) => known.keyOf(id),
      unsettled: (limit) => known.unsettled(limit),
      outputs: forgotten,
    };
    const second = await session(the, 2);
    await new RunSettler({ ...the.ports, runs }).settle(the.run.id);
    await the.runs.outputs.put(the.run.id, second, OUTPUTS);
    await expectSettled(the, first, second);
    expect(resultBeside(the, second).result.commandsOmitted).toBe(1);
  });

  it('says of evidence that does not hold that it does not, and settles the others', async () => {
    const the = await stand();
    const [altered, whole] = [await session(the, 1), await session(the, 2)];
    const segment = the.store.objects.get(objectKey(altered, '00000000.seg'))!;
    segment[20]! ^= 1;
    const { settled, failures } = await the.settler.settle(the.run.id);
    expect(settled).toBe(1);
    expect(failures).toMatchObject([{ session: altered, error: { code: 'state-damaged' } }]);
    expect(the.store.objects.has(objectKey(altered, TASK_RESULT))).toBe(false);
    await expectSettled(the, whole);
  });

  it('does not enter a result that nobody signed, or that is of another session', async () => {
    let now = NOW;
    const the = await stand((ports) => ({ ...ports, now: () => now }));
    const [first, second] = [await session(the, 1), await session(the, 2)];
    the.store.objects.set(objectKey(first, TASK_RESULT), Buffer.from('{}'));
    expect((await the.settler.settle(the.run.id)).failures).toMatchObject([{ session: first }]);
    const { failures: again } = await the.settler.settle(the.run.id);
    expect(again[0]!.error.message).toContain('is no envelope');
    now = later(1);
    the.store.objects.set(
      objectKey(first, TASK_RESULT),
      the.store.objects.get(objectKey(second, TASK_RESULT))!,
    );
    const { failures } = await the.settler.settle(the.run.id);
    expect(failures[0]!.error.message).toContain('is of something else');
  });

  it('enters the result that stands where another settler was first', async () => {
    const the = await stand();
    const id = await session(the, 1);
    // A later version that would derive another one.
    const other: Derive = async (of) => {
      const derived = await derive(of);
      return { ...derived, result: { ...derived.result, commandsOmitted: 99 } };
    };
    const late = new RunSettler({
      ...the.ports,
      derive: async (of) => {
        const derived = await other(of);
        await the.settler.settle(the.run.id);
        return derived;
      },
    });
    await late.settle(the.run.id);
    await expectSettled(the, id);
    expect(resultBeside(the, id).result.commandsOmitted).toBe(0);
  });

  it('of several at once each session has one result', async () => {
    const the = await stand();
    const sessions = [await session(the, 1), await session(the, 2)];
    const settlers = [1, 2, 3].map(() => new RunSettler(the.ports));
    const done = await Promise.all([...settlers, ...settlers].map((one) => one.settle(the.run.id)));
    expect(done.flatMap(({ failures }) => failures)).toEqual([]);
    await expectSettled(the, ...sessions);
  });

  it('leaves nothing half done, whenever it dies, before a call or behind it', async () => {
    let moments = 0;
    for (const side of ['before', 'behind'] as const)
      for (let moment = 1; ; moment += 1) {
        const the = await stand();
        const id = await session(the, 1);
        const killed = await dying(the.ports, moment, side).settle(the.run.id);
        const wasKilled = killed.failures.length > 0 || killed.settled === 0;
        await the.settler.settleAll();
        await the.desk.tellAll();
        await expectSettled(the, id);
        if (!wasKilled) break;
        moments += 1;
      }
    expect(moments).toBeGreaterThan(15);
  });
});

/** A settler whose `moment`th call of a port, and each behind it, does not answer any more. */
function dying(ports: SettlePorts, moment: number, side: 'before' | 'behind'): RunSettler {
  let calls = 0;
  const mortal = <T extends object>(port: T): T =>
    new Proxy(port, {
      get: (target, name) => {
        const member = Reflect.get(target, name) as unknown;
        if (name === 'outputs') return mortal(member as object);
        if (typeof member !== 'function') return member;
        return async (...given: unknown[]): Promise<unknown> => {
          calls += 1;
          const isDead = calls >= moment;
          if (isDead && (side === 'before' || calls > moment)) throw new CustodyError('internal', 'died');
          const answer: unknown = await (member as (...all: unknown[]) => unknown).apply(target, given);
          if (isDead) throw new CustodyError('internal', 'died');
          return answer;
        };
      },
    });
  const { runs, desk, store, signer } = ports;
  const parts = { runs: mortal(runs), desk: mortal(desk), store: mortal(store), signer: mortal(signer) };
  const settler = new RunSettler({ ...ports, ...parts });
  const settle = settler.settle.bind(settler);
  settler.settle = (id) => settle(id).catch(() => ({ settled: 0, failures: [] }));
  return settler;
}
