import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { objectKey, sessionPrefix, wasNeverOpen } from '#core/recording/layout.ts';
import { readFrames } from '#core/recording/read.ts';
import { type SealerPorts, sealAbandoned } from '#core/recording/seal.ts';
import { verifyEvidence } from '#core/recording/verify/verify.ts';
import {
  FaultRun,
  frameText,
  type Point,
  points,
  type RunSession,
  type Step,
} from '#test/support/fault-run.ts';
import { type FaultKind, Faults, faultKinds, type PlannedFault } from '#test/support/faulty-ports.ts';

const pointNames = Object.keys(points) as Point[];
const SESSIONS = 3;
const RUNS_PER_CASE = 12;
const NOW = new Date('2026-11-23T10:00:00.000Z');

interface Scenario {
  readonly plan: readonly PlannedFault[];
  readonly steps: readonly Step[];
  /** Steps that a session that failed goes on for. */
  readonly goodbye: number;
  readonly ends: 'closed' | 'killed' | 'killed while it waits';
  readonly sealerPlan: readonly PlannedFault[];
  /** What the journal takes of a session; all of it when not given. */
  readonly sessionBytesPerS?: number;
  readonly appendsAtOnce: number;
}

const tape = fc.integer({ min: 1, max: SESSIONS });
const frames = fc.array(fc.record({ tape, size: fc.integer({ min: 12, max: 2000 }) }), {
  minLength: 1,
  maxLength: 6,
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: fc.constant('record' as const), frames, mayWait: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('put-aged' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('close' as const), tape }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('record-much' as const), tape }) },
);

function faultAt(point: Point, kind: fc.Arbitrary<FaultKind>): fc.Arbitrary<PlannedFault> {
  return fc.record({ point: fc.constant(point), kind, nth: fc.integer({ min: 1, max: points[point] }) });
}

function scenarios(plan: fc.Arbitrary<readonly PlannedFault[]>): fc.Arbitrary<Scenario> {
  const sealerFault = fc.record({
    point: fc.constantFrom('store.put', 'signer.sign', 'index.closed', 'leaves.add'),
    kind: fc.constantFrom<FaultKind>('lost', 'persisted-but-errored', 'full-disk'),
    nth: fc.integer({ min: 1, max: 6 }),
  });
  return fc.record({
    plan,
    steps: fc.array(step, { minLength: 4, maxLength: 12 }),
    goodbye: fc.integer({ min: 0, max: 3 }),
    ends: fc.constantFrom<Scenario['ends']>('closed', 'killed', 'killed while it waits'),
    sealerPlan: fc.array(sealerFault, { maxLength: 1 }),
    appendsAtOnce: fc.constantFrom(1, 4),
  });
}

/** Plays the scenario to the gateway's end. */
async function play({ plan, steps, goodbye, ends, ...journal }: Scenario): Promise<FaultRun> {
  const run = new FaultRun(plan, SESSIONS, goodbye, journal);
  await run.openAll();
  for (const step of steps) await run.take(step);
  if (ends !== 'killed while it waits') await run.release();
  if (ends === 'closed') {
    await run.closeAll();
    await run.release();
  }
  return run;
}

/** One more try, in which calls that are held go on after a while. Resolves with how many still wait. */
async function sealAgain(run: FaultRun): Promise<number> {
  run.faults.makeSpace();
  const done: number[] = [];
  void run.sealAgain().then((left) => done.push(left));
  while (done.length === 0) await run.release();
  return done[0]!;
}

/** A sealer that fails as well, and then one that does not; what that one leaves unsealed. */
async function unsealed(run: FaultRun, plan: readonly PlannedFault[]): Promise<string[]> {
  const { store, signer, index, leaves } = run;
  const faults = new Faults(plan);
  const failing: SealerPorts = {
    store: faults.wrap('store', store, { calls: ['put'] }),
    signer: faults.wrap('signer', signer, { calls: ['sign'], onDisk: false }),
    index: faults.wrap('index', index, { calls: ['closed'] }),
    leaves: faults.wrap('leaves', leaves, { calls: ['add'] }),
  };
  await sealAbandoned(run.journal.remains(), failing, NOW);
  const { failures } = await sealAbandoned(run.journal.remains(), run, new Date(NOW.getTime() + 60_000));
  const open = (await index.unsealed()).map(({ id }) => `${id} is still open`);
  return [...failures.map(({ error }) => `${error.message}: ${error.detail}`), ...open];
}

/** Every session whose calls failed has ended with an error that says so, or waits; no other has an error. */
function hidden({ touched, faults }: FaultRun, session: RunSession, { ends }: Scenario): string[] {
  const { id, errors, pending, outcome } = session;
  const isHurt = touched.has(id);
  const mayWait =
    ends === 'killed while it waits' || faults.injected.some(({ kind }) => kind.endsWith('dead'));
  const wrong = errors.filter(({ code }) => code !== 'recording-failed').map(({ code }) => `told ${code}`);
  if (isHurt && errors.length + pending === 0) wrong.push('failed in silence');
  if (!isHurt && errors.length > 0) wrong.push("ended for another's fault");
  if (!mayWait && pending > 0) wrong.push('waits for nothing');
  if (!mayWait && !isHurt && ends === 'closed' && outcome === undefined) wrong.push('was not closed');
  return wrong;
}

/** What is stored verifies, is a beginning of what was recorded, and holds all that was called durable. */
async function untrue(run: FaultRun, session: RunSession): Promise<string[]> {
  const { id, opened, recorded, acknowledged, outcome } = session;
  const names = await run.store.list(sessionPrefix(id));
  const leaves = leavesOf(run, id);
  if (wasNeverOpen(names)) {
    return opened || leaves !== '' || recorded.length > 0 ? ['was recorded without an opening'] : [];
  }
  const wrong = await findingsOf(run, id);
  const stored = await framesOf(run, names, id);
  if (stored.join() !== recorded.slice(0, stored.length).join()) wrong.push(`stored ${stored.join()}`);
  if (stored.length < acknowledged) wrong.push(`stored ${stored.length}, acknowledged ${acknowledged}`);
  if (outcome !== undefined && outcome.frames !== stored.length) wrong.push(`closed with ${outcome.frames}`);
  if (!/^session-opened session-(?:closed|recovered)$/.test(leaves)) wrong.push(`entered: ${leaves}`);
  return wrong;
}

async function findingsOf({ store, signer }: FaultRun, id: string): Promise<string[]> {
  const { verdict, findings } = await verifyEvidence(store.evidence(id, signer.pem), {
    trustedSigners: [signer.der],
    session: id,
  });
  return verdict === 'verified' ? findings.map(({ code }) => code) : [verdict];
}

async function framesOf({ store }: FaultRun, names: readonly string[], id: string): Promise<string[]> {
  const read: string[] = [];
  for (const name of names.filter((name) => name.endsWith('.seg'))) {
    const segment = await store.get(sessionPrefix(id) + name);
    for (const { payload } of readFrames(segment)) read.push(frameText(payload));
  }
  return read;
}

function leavesOf({ leaves }: FaultRun, id: string): string {
  const ofSession = [...leaves.added].filter((leaf) => leaf.includes(id));
  return ofSession.map((leaf) => (JSON.parse(leaf) as { kind: string }).kind).join(' ');
}

/** Plays the scenario, seals what it left, and lists everything that is not as promised. */
async function check(scenario: Scenario): Promise<{ wrong: string[]; injected: number }> {
  const run = await play(scenario);
  run.crash();
  const wrong = run.sessions.flatMap((session) => hidden(run, session, scenario));
  wrong.push(...(await unsealed(run, scenario.sealerPlan)));
  for (const session of run.sessions) wrong.push(...(await untrue(run, session)));
  return { wrong, injected: run.faults.injected.length };
}

describe('a recorder', () => {
  it('calls nothing durable that follows on what was lost, and names the session each time', async () => {
    const run = new FaultRun([{ point: 'journal.append', nth: 2, kind: 'lost' }], 2, 9);
    const both = { do: 'record', frames: [1, 2].map((tape) => ({ tape, size: 12 })) } as const;
    const first = { ...both, frames: both.frames.slice(0, 1) };
    await run.openAll();
    for (const step of [both, first, both, first]) await run.take(step);
    expect(run.sessions.map(({ acknowledged, errors }) => [acknowledged, errors.length])).toEqual([
      [1, 3],
      [2, 0],
    ]);
    run.crash();
    expect(await unsealed(run, [])).toEqual([]);
    for (const session of run.sessions) expect(await untrue(run, session)).toEqual([]);
  });

  it('with appends under way, calls nothing durable before what it leans on is, and fails nobody else', async () => {
    const plan: PlannedFault[] = [
      { point: 'journal.append', nth: 1, kind: 'slow' },
      { point: 'journal.append', nth: 3, kind: 'lost' },
    ];
    const run = new FaultRun(plan, 3, 9, { appendsAtOnce: 4 });
    const record = (...tapes: number[]) =>
      ({ do: 'record', frames: tapes.map((tape) => ({ tape, size: 12 })) }) as const;
    await run.openAll();
    for (const step of [record(1), record(1, 2), record(2, 3), record(2), record(1, 3)]) await run.take(step);
    // All but the last have begun, three have ended, and the first is awaited.
    expect(run.sessions.map(({ acknowledged, errors }) => acknowledged + errors.length)).toEqual([0, 0, 0]);
    await run.release();
    expect(run.sessions.map(({ acknowledged, errors }) => [acknowledged, errors.length])).toEqual([
      [3, 0],
      [1, 2],
      [0, 2],
    ]);
    run.crash();
    expect(await unsealed(run, [])).toEqual([]);
    for (const session of run.sessions) expect(await untrue(run, session)).toEqual([]);
  });

  it('calls none of the appends under way durable once its lease is lost, whether they land or not', async () => {
    const plan: PlannedFault[] = [1, 2, 3].map((nth) => ({ point: 'journal.append', nth, kind: 'slow' }));
    const run = new FaultRun(plan, 1, 9, { appendsAtOnce: 4 });
    const one = { do: 'record', frames: [{ tape: 1, size: 12 }] } as const;
    await run.openAll();
    for (const step of [one, one, one, one]) await run.take(step);
    run.crash();
    // Whoever seals finds the fourth, which follows on nothing; the others land behind its back.
    expect(await unsealed(run, [])).toEqual([]);
    await run.release();
    expect(run.sessions.map(({ acknowledged, errors }) => [acknowledged, errors.length])).toEqual([[0, 4]]);
    expect(await untrue(run, run.sessions[0]!)).toEqual([]);
    expect(await unsealed(run, [])).toEqual([]);
  });

  it('closes a session whatever becomes of the journal entries of others', async () => {
    const plan: PlannedFault[] = [
      { point: 'journal.append', nth: 2, kind: 'reordered' },
      { point: 'journal.append', nth: 4, kind: 'lost' },
    ];
    const run = new FaultRun(plan, 3, 0);
    const record = (...tapes: number[]) =>
      ({ do: 'record', frames: tapes.map((tape) => ({ tape, size: 12 })) }) as const;
    await run.openAll();
    const close = { do: 'close', tape: 1 } as const;
    for (const step of [record(1), record(1), record(1), record(3, 1), close]) await run.take(step);
    await run.release();
    expect(run.sessions.map(({ errors }) => errors.length)).toEqual([0, 0, 1]);
  });

  it('leaves the memory of a segment alone while the store still reads it', async () => {
    const run = new FaultRun([{ point: 'sink.put', nth: 5, kind: 'slow' }], 2, 0);
    await run.openAll();
    for (const tape of [1, 2, 1]) await run.take({ do: 'record-much', tape });
    expect(run.faults.injected).toHaveLength(1);
    await run.release();
    await run.closeAll();
    for (const session of run.sessions) expect(await untrue(run, session)).toEqual([]);
  });
});

// A full disk is none to a signer: nothing of it is on the disk.
const cases = faultKinds.flatMap((kind) =>
  pointNames
    .filter((point) => kind !== 'full-disk' || !point.startsWith('signer'))
    .map((point) => ({ kind, point })),
);

describe('a recorder one of whose calls fails', () => {
  it.each(cases)('$kind at $point', async ({ kind, point }) => {
    let times = 0;
    await fc.assert(
      fc.asyncProperty(scenarios(fc.tuple(faultAt(point, fc.constant(kind)))), async (scenario) => {
        const { wrong, injected } = await check(scenario);
        expect(wrong).toEqual([]);
        times += injected;
      }),
      { numRuns: RUNS_PER_CASE, seed: 3 },
    );
    expect(times).toBeGreaterThan(0);
  });

  it('seals all by itself once they succeed, as if nothing had been: no crash, no sealer', async () => {
    const kinds = faultKinds.filter((kind) => !kind.endsWith('dead'));
    const fault = fc.oneof(...pointNames.map((point) => faultAt(point, fc.constantFrom(...kinds))));
    let late = 0;
    await fc.assert(
      fc.asyncProperty(scenarios(fc.array(fault, { minLength: 1, maxLength: 4 })), async (scenario) => {
        const run = await play({ ...scenario, ends: 'closed' });
        const before = (await run.index.unsealed()).length;
        let left = SESSIONS;
        for (let round = 0; round < 6 && left > 0; round += 1) left = await sealAgain(run);
        expect(left).toBe(0);
        expect(await run.index.unsealed()).toEqual([]);
        for (const session of run.sessions) expect(await untrue(run, session)).toEqual([]);
        // Nothing is left for a sealer, and one that looks finds nothing that contradicts another.
        expect(await sealAbandoned(run.journal.remains(), run, NOW)).toEqual({ sealed: 0, failures: [] });
        late += before;
      }),
      { numRuns: 100, seed: 5 },
    );
    expect(late).toBeGreaterThan(20);
  });

  it('takes a name that another has taken for what it is: not its own', async () => {
    const run = new FaultRun([{ point: 'signer.sign', nth: 2, kind: 'lost' }], 1, 0);
    await run.openAll();
    await run.take({ do: 'close', tape: 1 });
    const { id } = run.sessions[0]!;
    await run.store.put(objectKey(id, 'close.json'), Buffer.from('of another'));
    expect(await run.sealAgain()).toBe(1);
    expect(await run.sealAgain()).toBe(1);
    expect(Buffer.from(await run.store.get(objectKey(id, 'close.json'))).toString()).toBe('of another');
  });

  it('does nothing more once its task may not continue: somebody else seals', async () => {
    const run = new FaultRun([{ point: 'signer.sign', nth: 2, kind: 'lost' }], 1, 0);
    await run.openAll();
    await run.take({ do: 'close', tape: 1 });
    run.crash();
    expect(await run.sealAgain()).toBe(1);
    expect(await unsealed(run, [])).toEqual([]);
    expect(await run.sealAgain()).toBe(1);
    expect(await untrue(run, run.sessions[0]!)).toEqual([]);
  });

  it('or several, killed at every step, with a journal that takes little of a session or all: the same holds', async () => {
    const fault = fc.oneof(...pointNames.map((point) => faultAt(point, fc.constantFrom(...faultKinds))));
    let killed = 0;
    await fc.assert(
      fc.asyncProperty(
        scenarios(fc.array(fault, { maxLength: 3 })),
        fc.constantFrom(500, 2_000, Number.POSITIVE_INFINITY),
        async (scenario, sessionBytesPerS) => {
          for (let step = 0; step <= scenario.steps.length; step += 1) {
            const steps = scenario.steps.slice(0, step);
            expect((await check({ ...scenario, steps, sessionBytesPerS })).wrong).toEqual([]);
            killed += 1;
          }
        },
      ),
      { numRuns: Number(process.env['CUSTODY_KILL_RUNS'] ?? 6) },
    );
    expect(killed).toBeGreaterThan(25);
  });

  it('or several: it loses no frame that it called durable, doubles none, and ends what it cannot record', async () => {
    const fault = fc.oneof(...pointNames.map((point) => faultAt(point, fc.constantFrom(...faultKinds))));
    await fc.assert(
      fc.asyncProperty(scenarios(fc.array(fault, { minLength: 2, maxLength: 4 })), async (scenario) => {
        expect((await check(scenario)).wrong).toEqual([]);
      }),
      { numRuns: 80 },
    );
  });
});
