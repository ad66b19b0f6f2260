import { describe, expect, it } from 'vitest';
import { Authorization, decide } from '#core/access/decide.ts';
import { CustodyError } from '#core/errors.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import type { Deviation } from '#core/tasks/deviation.ts';
import type { DeviationQuestion, Reviewed, Waiting } from '#core/tasks/deviation-desk.ts';
import { gatherFacts } from '#core/tasks/result/facts.ts';
import { RunDesk } from '#core/tasks/run-desk.ts';
import { endRun, endTask } from '#core/tasks/run-lifecycle.ts';
import { NOTES_MAX, type RunTaskSession } from '#core/tasks/task-session.ts';
import { TaskSessions } from '#core/tasks/task-sessions.ts';
import { MemoryLeaves } from '#test/support/memory-ports.ts';
import { MemoryRuns } from '#test/support/memory-runs.ts';
import { compiledConfig, RUN_KEY, refunds, runOf } from '#test/support/workflows.ts';
import { ISSUER, NOW, principal } from '../access/support.ts';

const file = (workflow: string): string => `version: 1
identity: { issuer: ${ISSUER}, audience: custody }
targets:
  db: { protocol: postgres, address: "db:5432", database: d, credential: { user: u, passwordFile: p } }
rules: [{ name: work, groups: [clerks], targets: [db], allow: [connect], when: { task: refunds/* } }]
${workflow}`;
const ASK = '{ ask: { reviewers: { any: [leads] } } }';
const session = (n: number): string => newSessionId(NOW.getTime(), Buffer.alloc(10, n));
const DEVIATION: Deviation = {
  kind: 'value',
  command: 'pay',
  expected: 'for pay.$1 at most 5',
  seen: 'another value stands there',
};
const COMMAND = { command: 'UPDATE 7', isAnswer: false };
type Note = Parameters<ConstructorParameters<typeof RunTaskSession>[0]['note']>[0];

async function stand(of: string | { more: string } = 'stop') {
  const text = refunds(typeof of === 'string' ? { onDeviation: of } : of);
  const state = { config: compiledConfig(file(text)), ms: 0 };
  const workflow = state.config.compiled.get('refunds')!;
  const [runs, leaves] = [new MemoryRuns(), new MemoryLeaves()];
  const run = await runs.create(runOf(workflow, NOW), RUN_KEY);
  const asked: { readonly question: DeviationQuestion; readonly waiting: Waiting }[] = [];
  const answers: (Reviewed | Error)[] = [];
  const desk = new RunDesk({
    runs,
    leaves,
    texts: { put: async () => undefined },
    stream: { tell: async () => undefined },
    now: () => NOW,
    newId: () => session(0),
    newKey: () => RUN_KEY,
  });
  const tasks = new TaskSessions({
    policy: () => state.config,
    runs,
    outputs: runs.outputs,
    desk,
    reviews: {
      ask: async (question, waiting) => {
        asked.push({ question, waiting });
        const answer = answers.shift()!;
        if (answer instanceof Error) throw answer;
        return answer;
      },
    },
    monotonic: () => state.ms,
  });
  const notes: Note[] = [];
  const open = async (n: number, task = 'find') => {
    const of = { run: run.id, workflow: 'refunds', digest: workflow.digest, task };
    const who = principal('dana', ['clerks']);
    const question = { policy: state.config, principal: who, context: { task: of }, target: 'db', now: NOW };
    const permission = decide({ ...question, action: 'connect' });
    if (!Authorization.isOne(permission)) throw new Error(permission.message);
    const ended = new AbortController().signal;
    const coming = {
      session: session(n),
      startedAt: NOW,
      ended,
      note: (note: Note) => void notes.push(note),
    };
    return (await tasks.open(permission, coming))!;
  };
  const steps = async () => (await runs.get(run.id)).steps;
  const change = (steps: Parameters<RunDesk['change']>[1]) => desk.change(run.id, steps);
  const begin = async (n: number) => {
    const held = await open(n);
    await held.begin();
    return held;
  };
  const end = async (n: number): Promise<void> => {
    const ended = { task: 'find', session: session(n), verdict: 'kept', result: 'd'.repeat(64) } as const;
    await change((now) => endTask(now, ended, NOW));
  };
  const put = async (n: number, ids: readonly string[], dump: string): Promise<void> => {
    const columns = new Map([['returned.id', new Set(ids)]]);
    const streams = new Map([['dump', { sha256: dump.repeat(64), bytes: 3 }]]);
    await runs.outputs.put(run.id, session(n), { columns, streams });
  };
  return { state, runs, run, leaves, desk, asked, answers, notes, open, steps, change, begin, end, put };
}

describe('a session that is a task of a run', () => {
  it('has the task once its first command is about to go on, durably and in the ledger, and not before', async () => {
    const { open, steps, leaves, state } = await stand();
    const held = await open(1);
    expect([await steps(), held.elapsedMs()]).toEqual([[], 0]);
    state.ms = 5_000;
    await Promise.all([held.begin(), held.begin()]);
    expect(await steps()).toEqual([
      { at: NOW.toISOString(), kind: 'task-started', task: 'find', session: session(1) },
    ]);
    expect([...leaves.added].map((leaf) => (JSON.parse(leaf) as { kind: string }).kind)).toEqual([
      'run-started',
      'task-started',
    ]);
    state.ms = 5_250;
    expect(held.elapsedMs()).toBe(250);
  });

  it('of many that begin a task at once exactly one has it (security case 13)', async () => {
    const { open, steps } = await stand();
    const all = await Promise.all([1, 2, 3, 4, 5].map((n) => open(n)));
    const begun = await Promise.allSettled(all.map((one) => one.begin()));
    expect(begun.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await steps()).toHaveLength(1);
    const lost = all[begun.findIndex(({ status }) => status === 'rejected')]!;
    await expect(lost.begin()).rejects.toMatchObject({ code: 'task-refused' });
    expect(lost.elapsedMs()).toBe(0);
  });

  it('does not begin when the run was ended, or its workflow changed, after it was let in', async () => {
    const ended = await stand();
    const held = await ended.open(1);
    await ended.change((run) => endRun(run, run.startedBy, undefined, NOW));
    await expect(held.begin()).rejects.toMatchObject({ code: 'task-refused', message: 'the run was ended' });
    for (const text of [refunds({ onDeviation: 'record' }), '']) {
      const changed = await stand();
      const late = await changed.open(1);
      changed.state.config = compiledConfig(file(text).replace(', when: { task: refunds/* }', ''));
      await expect(late.begin()).rejects.toMatchObject({ code: 'task-refused' });
      expect(await changed.steps()).toEqual([]);
    }
  });

  it('is not opened where its workflow is another, or where run, key or outputs cannot be reached', async () => {
    const { open, runs, state } = await stand();
    const before = state.config;
    state.config = { ...before, compiled: new Map() };
    await expect(open(1)).rejects.toMatchObject({ code: 'task-refused' });
    state.config = before;
    runs.fail = new CustodyError('store-unavailable', 'no store');
    await expect(open(1)).rejects.toMatchObject({ code: 'store-unavailable' });
  });

  it('knows what all executions before it that kept their contract put out, and is refused while one is not there', async () => {
    const { open, end, put, begin } = await stand({ more: ', runs: 3' });
    const held = await begin(1);
    const digest = (text: string): string => held.facts.digests.ofValue(text, 'integer');
    await end(1);
    await expect(open(3, 'refund')).rejects.toMatchObject({
      code: 'task-refused',
      message: `what the task find put out in session ${session(1)} is not there`,
    });
    await put(1, [digest('7')], 'e');
    const { facts, contract } = await open(3, 'refund');
    expect(facts.column('find.returned.id')).toEqual(new Set([digest('7')]));
    expect([facts.column('find.returned.x'), facts.column('other.a.b')]).toEqual([undefined, undefined]);
    expect(facts.stream('find.dump')).toEqual({ sha256: 'e'.repeat(64), bytes: 3 });
    const place = contract.commands[0]!.places.get('$1')!;
    expect(place.misfit({ kind: 'integer', text: '7' }, facts)).toBeUndefined();
    expect(place.misfit({ kind: 'integer', text: '8' }, facts)).toMatchObject({ kind: 'origin' });
    await begin(2);
    await put(2, [digest('8')], 'f');
    await end(2);
    const later = (await open(4, 'refund')).facts;
    expect(place.misfit({ kind: 'integer', text: '7' }, later)).toBeUndefined();
    expect(place.misfit({ kind: 'integer', text: '8' }, later)).toBeUndefined();
    expect(later.stream('find.dump')).toEqual({ sha256: 'f'.repeat(64), bytes: 3 });
  });

  it('is held to the very facts that its result is derived from: it does not begin with others', async () => {
    const { open, end, put, begin, run, runs } = await stand({ more: ', runs: 3' });
    const digest = (await begin(1)).facts.digests.ofValue('7', 'integer');
    await put(1, [digest], 'e');
    await end(1);
    const early = await open(3, 'refund');
    await begin(2);
    await put(2, [], 'f');
    await end(2);
    await expect(early.begin()).rejects.toMatchObject({
      code: 'task-refused',
      message: 'an earlier task has put out more since this session was opened',
    });
    const again = await open(4, 'refund');
    await again.begin();
    // What comes after it has begun is no origin of it, for whoever derives its result either.
    await begin(5);
    await put(5, [], 'd');
    await end(5);
    const now = await runs.get(run.id);
    const earlier = (one: string) => runs.outputs.get(run.id, one);
    const derived = await gatherFacts(again.contract, now, session(4), RUN_KEY, earlier);
    for (const { facts } of [again, { facts: derived }])
      expect(facts.stream('find.dump')).toEqual({ sha256: 'f'.repeat(64), bytes: 3 });
    expect(derived.column('find.returned.id')).toEqual(again.facts.column('find.returned.id'));
  });

  it('is refused where earlier executions put out more values than a gateway holds', async () => {
    const { open, end, put, begin } = await stand({ more: ', runs: 6' });
    const many = Array.from({ length: 200_000 }, (_, n) => n.toString(16).padStart(32, '0'));
    for (const n of [1, 2, 3, 4, 5, 6]) {
      await begin(n);
      await put(n, n === 6 ? many.slice(0, 1) : many, 'e');
      await end(n);
    }
    await expect(open(7, 'refund')).rejects.toMatchObject({
      code: 'task-refused',
      message: expect.stringContaining('more than the 1000000 values') as string,
    });
  });
});

describe('a deviation', () => {
  it('that is recorded goes on, marked; the first is a step of the run', async () => {
    const { open, steps, notes } = await stand('record');
    const held = await open(1);
    await held.begin();
    expect(await held.deviated(DEVIATION, COMMAND)).toEqual({ goesOn: true });
    expect(await held.deviated({ ...DEVIATION, kind: 'rows' }, COMMAND)).toEqual({ goesOn: true });
    const note = { note: 'task-deviation', ...DEVIATION, how: 'recorded' };
    expect(notes).toEqual([note, { ...note, kind: 'rows' }]);
    expect((await steps()).slice(1)).toEqual([
      {
        at: NOW.toISOString(),
        kind: 'deviated',
        task: 'find',
        session: session(1),
        deviation: 'value',
        how: 'recorded',
      },
    ]);
  });

  it('that is stopped ends the session, in words for whoever acts on them', async () => {
    const { open, steps, notes } = await stand('stop');
    const held = await open(1);
    const outcome = await held.deviated(DEVIATION, COMMAND);
    expect(outcome).toMatchObject({ goesOn: false, ends: true });
    const { code, message, hint } = (outcome as { error: CustodyError }).error;
    expect([code, message, hint]).toEqual([
      'contract-deviation',
      'another value stands there; the contract has for pay.$1 at most 5',
      'what you may do: list; see custody workflow show refunds',
    ]);
    expect(notes).toMatchObject([{ how: 'stopped' }]);
    expect(await steps()).toMatchObject([{ kind: 'deviated', how: 'stopped' }]);
  });

  it('that is asked about goes on when reviewers approve it, and the note names their request (security case 23)', async () => {
    const { open, answers, asked, notes, steps } = await stand(ASK);
    const held = await open(1);
    answers.push({ approved: true, request: 'R1' });
    const announce = (): void => undefined;
    expect(await held.deviated(DEVIATION, { ...COMMAND, announce })).toEqual({ goesOn: true });
    expect(asked[0]!.question).toMatchObject({
      session: session(1),
      deviation: DEVIATION,
      command: 'UPDATE 7',
      isAnswer: false,
    });
    expect(asked[0]!.waiting.announce).toBe(announce);
    expect(notes).toEqual([{ note: 'task-deviation', ...DEVIATION, how: 'approved', request: 'R1' }]);
    expect(await steps()).toMatchObject([{ kind: 'deviated', how: 'asked' }]);
  });

  it('that nobody approves does not go on: a command alone, and with an answer the session', async () => {
    const { open, answers, notes } = await stand(ASK);
    const held = await open(1);
    answers.push({ approved: false, why: 'reviewers denied it', request: 'R1' });
    answers.push({ approved: false, why: 'nobody decided in time' });
    const refused = await held.deviated(DEVIATION, COMMAND);
    expect(refused).toMatchObject({ goesOn: false, ends: false });
    expect((refused as { error: CustodyError }).error.message).toMatch(/: reviewers denied it$/);
    expect(await held.deviated(DEVIATION, { ...COMMAND, isAnswer: true })).toMatchObject({ ends: true });
    expect(notes).toMatchObject([{ how: 'denied', request: 'R1' }, { how: 'denied' }]);
  });

  it('never goes on where nobody can be asked, or the run cannot be told', async () => {
    const { open, answers, notes, runs } = await stand(ASK);
    const held = await open(1);
    answers.push(new CustodyError('store-unavailable', 'no requests'));
    await expect(held.deviated(DEVIATION, COMMAND)).rejects.toMatchObject({ code: 'store-unavailable' });
    expect(notes).toMatchObject([{ how: 'denied' }]);
    const other = await stand('record');
    const recorded = await other.open(1);
    other.runs.fail = new CustodyError('store-unavailable', 'no runs');
    await expect(recorded.deviated(DEVIATION, COMMAND)).rejects.toMatchObject({ code: 'store-unavailable' });
    expect(runs.fail).toBeUndefined();
  });

  it('has a note up to a number of them, and the rest are counted', async () => {
    const { open, notes, steps } = await stand('record');
    const held = await open(1);
    for (let n = 0; n < NOTES_MAX + 7; n += 1) await held.deviated(DEVIATION, COMMAND);
    held.finish();
    expect(notes).toHaveLength(NOTES_MAX + 1);
    expect(notes.at(-1)).toEqual({ note: 'task-deviations-omitted', count: 7 });
    expect(await steps()).toHaveLength(1);
  });
});
