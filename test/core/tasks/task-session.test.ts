import { describe, expect, it } from 'vitest';
import { Authorization, decide } from '#core/access/decide.ts';
import { CustodyError } from '#core/errors.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import type { Deviation } from '#core/tasks/deviation.ts';
import type { DeviationQuestion, Reviewed, Waiting } from '#core/tasks/deviation-desk.ts';
import { RunDesk } from '#core/tasks/run-desk.ts';
import { endRun, endTask } from '#core/tasks/run-lifecycle.ts';
import { NOTES_MAX, type RunTaskSession } from '#core/tasks/task-session.ts';
import { TaskSessions } from '#core/tasks/task-sessions.ts';
import { MemoryLeaves } from '#test/support/memory-ports.ts';
import { MemoryRuns } from '#test/support/memory-runs.ts';
import { compiledConfig, refunds, runOf, RUN_KEY } from '#test/support/workflows.ts';
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

async function stand(onDeviation = 'stop') {
  const state = { config: compiledConfig(file(refunds({ onDeviation }))), ms: 0 };
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
  return { state, runs, run, leaves, desk, asked, answers, notes, open, steps, change };
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

  it('knows what the newest execution before it that kept its contract put out, and is refused while that is not there', async () => {
    const { open, change, runs, run } = await stand();
    const held = await open(1);
    await held.begin();
    const end = { task: 'find', session: session(1), verdict: 'kept', result: 'd'.repeat(64) } as const;
    await change((now) => endTask(now, end, NOW));
    await expect(open(2, 'refund')).rejects.toMatchObject({
      code: 'task-refused',
      message: 'what the task find put out is not there yet',
    });
    const columns = new Map([['returned.id', new Set([held.facts.digests.ofValue('7', 'integer')])]]);
    const streams = new Map([['dump', { sha256: 'e'.repeat(64), bytes: 3 }]]);
    await runs.outputs.put(run.id, session(1), { columns, streams });
    const { facts, contract } = await open(2, 'refund');
    expect(facts.column('find.returned.id')).toEqual(columns.get('returned.id'));
    expect([facts.column('find.returned.x'), facts.column('other.a.b')]).toEqual([undefined, undefined]);
    expect(facts.stream!('find.dump')).toEqual({ sha256: 'e'.repeat(64), bytes: 3 });
    const place = contract.commands[0]!.places.get('$1')!;
    expect(place.misfit({ kind: 'integer', text: '7' }, facts)).toBeUndefined();
    expect(place.misfit({ kind: 'integer', text: '8' }, facts)).toMatchObject({ kind: 'origin' });
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
      "what you may do: list; see custody workflow show refunds",
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
